import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Role } from "@/api/types";
import { queries } from "@/app/queries";
import { applyTheme, readTheme, themes } from "@/app/theme";
import { BreakGlassSection } from "@/features/account/BreakGlassSection";
import { GroupsSection } from "@/features/account/GroupsSection";
import { NoticesSection } from "@/features/account/NoticesSection";
import { PasswordSection } from "@/features/account/PasswordSection";
import { PeopleSection } from "@/features/account/PeopleSection";
import { type Language, languages, useI18n } from "@/i18n";
import { buttonClass } from "@/ui/Button";
import { SelectField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Badge } from "@/ui/States";
import { useTitle } from "@/ui/useTitle";
import "@/features/account/account.css";

/** Roles that may ask to break the glass, and approve it. */
const overseers: Role[] = ["auditor", "administrator"];

export function AccountPage() {
  const { t } = useI18n();
  const { data: me } = useQuery(queries.me);
  const mine = useQuery(queries.permissions).data?.mine;
  useTitle(t("account.title"));
  if (!me) return null;
  return (
    <div className="page account">
      <header className="page__head">
        <h1>{t("account.title")}</h1>
      </header>
      {me.must_change_password && <Notice tone="warning">{t("account.must_change")}</Notice>}
      <NoticesSection />
      <section className="section">
        <h2>{t("account.profile")}</h2>
        <p>{me.name}</p>
        <p className="quiet">{me.email}</p>
        <p className="counts">
          {me.roles.map((role) => (
            <Badge key={role}>{t(`account.roles_${role}`)}</Badge>
          ))}
          {me.groups.map((group) => (
            <Badge key={group.id}>{group.name}</Badge>
          ))}
        </p>
      </section>
      <PasswordSection />
      <DisplaySection />
      <section className="section">
        <h2>{t("keys.title")}</h2>
        <p className="section__intro">{t("keys.intro")}</p>
        <Link className={buttonClass("plain")} to="/account/keys">
          {t("keys.manage")}
        </Link>
      </section>
      <section className="section">
        <h2>{t("roles.title")}</h2>
        <p className="section__intro">{t("roles.intro")}</p>
        <Link className={buttonClass("plain")} to="/account/roles">
          {t("roles.open")}
        </Link>
      </section>
      {mine?.["accounts.manage"] === "any" && <PeopleSection me={me} />}
      {mine && mine["groups.manage"] !== "no" && <GroupsSection mayMake={mine["groups.manage"] === "any"} />}
      {me.roles.some((role) => overseers.includes(role)) && <BreakGlassSection me={me} />}
    </div>
  );
}

function DisplaySection() {
  const { t, language, setLanguage } = useI18n();
  const [theme, setTheme] = useState(readTheme);
  return (
    <section className="section">
      <h2>{t("account.preferences")}</h2>
      <div className="form__row account__display">
        <SelectField
          label={t("theme.label")}
          value={theme}
          onChange={(event) => {
            const next = themes.find((item) => item === event.target.value) ?? "system";
            applyTheme(next);
            setTheme(next);
          }}
        >
          {themes.map((item) => (
            <option key={item} value={item}>
              {t(`theme.${item}`)}
            </option>
          ))}
        </SelectField>
        <SelectField
          label={t("language.label")}
          value={language}
          onChange={(event) => setLanguage(event.target.value as Language)}
        >
          {Object.entries(languages).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </SelectField>
      </div>
    </section>
  );
}
