import { useQuery } from "@tanstack/react-query";
import { Navigate, Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Brand } from "@/app/Brand";
import { GlassBanner } from "@/app/GlassBanner";
import { queries } from "@/app/queries";
import { Rail } from "@/app/Rail";
import { useI18n } from "@/i18n";
import { IconButton } from "@/ui/Button";
import { Notice } from "@/ui/Notice";
import "@/app/shell.css";

/** Around every page: one rail on the left, on a phone a drawer. A session that ended leads to the login. */
export function Shell() {
  const { t } = useI18n();
  const me = useQuery(queries.me);
  const session = useQuery(queries.session);
  const location = useLocation();
  const [drawerOpen, setDrawerOpen] = useState(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: going anywhere closes the drawer
  useEffect(() => setDrawerOpen(false), [location.pathname]);

  useEffect(() => {
    if (!drawerOpen) return;
    const closeOnEscape = (event: KeyboardEvent) => event.key === "Escape" && setDrawerOpen(false);
    document.addEventListener("keydown", closeOnEscape);
    return () => document.removeEventListener("keydown", closeOnEscape);
  }, [drawerOpen]);

  if (me.data === null) return <Navigate to="/login" search={{ next: location.href }} replace />;
  if (!me.data) return null;
  return (
    <div className={`shell ${drawerOpen ? "shell--drawer-open" : ""}`}>
      <a className="skip-link" href="#content">
        {t("action.skip")}
      </a>
      <header className="topbar">
        <IconButton
          icon="menu"
          label={t("nav.open")}
          aria-expanded={drawerOpen}
          onClick={() => setDrawerOpen(true)}
        />
        <Brand />
      </header>
      <Rail me={me.data} onClose={() => setDrawerOpen(false)} />
      {drawerOpen && <div className="shell__shade" aria-hidden="true" onClick={() => setDrawerOpen(false)} />}
      <main id="content" className="shell__content" tabIndex={-1}>
        <GlassBanner />
        {session.data?.break_glass_open && (
          <Notice tone="danger" role="alert">
            {t("login.break_glass_open")}
          </Notice>
        )}
        <Outlet />
      </main>
    </div>
  );
}
