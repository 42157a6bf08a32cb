import { useQuery } from "@tanstack/react-query";
import type { Reader } from "@/api/types";
import { queries } from "@/app/queries";
import { useI18n } from "@/i18n";
import { IconButton } from "@/ui/Button";
import { SelectField } from "@/ui/Field";

const keyOf = (reader: Reader) => `${reader.kind}:${reader.id ?? ""}`;

function useReaderName() {
  const { t } = useI18n();
  return (reader: Reader) => (reader.kind === "everyone" ? t("readers.everyone") : reader.name || reader.id);
}

export function ReadersSummary({ readers }: { readers: Reader[] }) {
  const { t, language } = useI18n();
  const nameOf = useReaderName();
  const names = readers.map(nameOf);
  return (
    <span>
      {t("readers.title")}:{" "}
      {names.length > 0 ? new Intl.ListFormat(language).format(names) : t("readers.only_owner")}
    </span>
  );
}

/** The owner always reads. People can be added by name only where the server lets this person list them. */
export function ReadersEditor({
  readers,
  onChange,
}: {
  readers: Reader[];
  onChange(readers: Reader[]): void;
}) {
  const { t } = useI18n();
  const nameOf = useReaderName();
  const mine = useQuery(queries.permissions).data?.mine;
  const groups = useQuery(queries.groups);
  const users = useQuery({ ...queries.users, enabled: mine?.["accounts.read"] === "any" });
  const taken = new Set(readers.map(keyOf));
  const everyone: Reader = { kind: "everyone" };
  const groupReaders = (groups.data ?? []).map<Reader>(({ id, name }) => ({ kind: "group", id, name }));
  const userReaders = (users.data ?? []).map<Reader>(({ id, name }) => ({ kind: "user", id, name }));
  const options = [everyone, ...groupReaders, ...userReaders].filter((reader) => !taken.has(keyOf(reader)));
  const optionsOf = (kind: Reader["kind"]) =>
    options
      .filter((reader) => reader.kind === kind)
      .map((reader) => (
        <option key={keyOf(reader)} value={keyOf(reader)}>
          {nameOf(reader)}
        </option>
      ));
  return (
    <fieldset className="readers">
      <legend className="field__label">{t("readers.title")}</legend>
      {readers.length === 0 && <p className="quiet">{t("readers.only_owner")}</p>}
      <ul className="readers__list">
        {readers.map((reader) => (
          <li key={keyOf(reader)}>
            {nameOf(reader)}
            <IconButton
              small
              icon="close"
              label={t("readers.remove", { name: nameOf(reader) ?? "" })}
              onClick={() => onChange(readers.filter((item) => keyOf(item) !== keyOf(reader)))}
            />
          </li>
        ))}
      </ul>
      <SelectField
        label={t("readers.add")}
        value=""
        onChange={(event) => {
          const added = options.find((reader) => keyOf(reader) === event.target.value);
          if (added) onChange([...readers, added]);
        }}
      >
        <option value="">{t("readers.choose")}</option>
        {optionsOf("everyone")}
        <optgroup label={t("readers.groups")}>{optionsOf("group")}</optgroup>
        {users.data && <optgroup label={t("readers.people")}>{optionsOf("user")}</optgroup>}
      </SelectField>
    </fieldset>
  );
}
