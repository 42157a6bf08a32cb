import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { askBreakGlass, type Decision, decideBreakGlass } from "@/api/breakGlass";
import type { BreakGlass, Me } from "@/api/types";
import { queries } from "@/app/queries";
import { OpenedConversations } from "@/features/account/OpenedConversations";
import { useI18n } from "@/i18n";
import { formatMoment } from "@/i18n/format";
import { Button } from "@/ui/Button";
import { Field, SelectField } from "@/ui/Field";
import { ErrorNotice } from "@/ui/Notice";
import { Badge } from "@/ui/States";

/** For auditors and administrators: asking to read another person's conversations, and approving it. */
export function BreakGlassSection({ me }: { me: Me }) {
  const { t } = useI18n();
  const requests = useQuery(queries.breakGlass);
  return (
    <section className="section">
      <h2>{t("glass.title")}</h2>
      <p className="section__intro">{t("glass.intro")}</p>
      <AskForm me={me} />
      {requests.isError && <ErrorNotice error={requests.error} onRetry={() => requests.refetch()} />}
      {requests.data?.length === 0 && <p className="quiet">{t("glass.none")}</p>}
      <ul className="rows">
        {requests.data?.map((request) => (
          <RequestRow key={request.id} request={request} me={me} />
        ))}
      </ul>
    </section>
  );
}

function AskForm({ me }: { me: Me }) {
  const { t } = useI18n();
  const client = useQueryClient();
  const users = useQuery(queries.users);
  const ask = useMutation({
    mutationFn: (form: FormData) =>
      askBreakGlass({
        person_id: String(form.get("person")),
        reason: String(form.get("reason")).trim(),
        minutes: Number(form.get("minutes")),
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: queries.breakGlass.queryKey }),
  });
  const people = users.data?.filter((user) => user.kind === "person" && user.id !== me.id) ?? [];
  return (
    <>
      <form
        className="form__row"
        onSubmit={(event) => {
          event.preventDefault();
          ask.mutate(new FormData(event.currentTarget));
          event.currentTarget.reset();
        }}
      >
        <SelectField label={t("glass.person")} name="person" required>
          {people.map((user) => (
            <option key={user.id} value={user.id}>
              {user.name}
            </option>
          ))}
        </SelectField>
        <Field label={t("glass.reason")} name="reason" required minLength={10} maxLength={2000} />
        <Field label={t("glass.minutes")} name="minutes" type="number" min={5} max={480} defaultValue={60} />
        <Button type="submit" disabled={ask.isPending || people.length === 0}>
          {t("glass.ask")}
        </Button>
      </form>
      {ask.isError && <ErrorNotice error={ask.error} />}
    </>
  );
}

function RequestRow({ request, me }: { request: BreakGlass; me: Me }) {
  const { t, language } = useI18n();
  const client = useQueryClient();
  const [reading, setReading] = useState(false);
  const decide = useMutation({
    mutationFn: (decision: Decision) => decideBreakGlass(request.id, decision),
    onSuccess: () => client.invalidateQueries({ queryKey: queries.breakGlass.queryKey }),
  });
  const isOpen = request.state === "approved";
  const isMine = request.asked_by_id === me.id;
  const mayDecide = request.state === "requested" && !isMine && request.person_id !== me.id;
  return (
    <li className="rows__row">
      <span className="rows__main">
        {t("glass.row", { asker: request.asked_by, person: request.person })}
        <span className="quiet"> {request.reason}</span>
      </span>
      <Badge tone={isOpen ? "warning" : undefined}>{t(`glass.state_${request.state}`)}</Badge>
      {isOpen && request.until && (
        <span className="quiet">{t("glass.until", { until: formatMoment(request.until, language) })}</span>
      )}
      {mayDecide && (
        <>
          <Button small onClick={() => decide.mutate("approve")} disabled={decide.isPending}>
            {t("glass.approve")}
          </Button>
          <Button small onClick={() => decide.mutate("refuse")} disabled={decide.isPending}>
            {t("glass.refuse")}
          </Button>
        </>
      )}
      {isOpen && isMine && (
        <Button small onClick={() => setReading(!reading)} aria-expanded={reading}>
          {t("glass.read")}
        </Button>
      )}
      {isOpen && (
        <Button small onClick={() => decide.mutate("end")} disabled={decide.isPending}>
          {t("glass.end")}
        </Button>
      )}
      {decide.isError && <ErrorNotice error={decide.error} />}
      {isOpen && reading && <OpenedConversations request={request.id} />}
    </li>
  );
}
