import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { fetchOpened, fetchOpenedConversation } from "@/api/breakGlass";
import { useI18n } from "@/i18n";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/Notice";

/** Another person's conversations while the glass is broken. Each one is asked for by a click: each look is an event. */
export function OpenedConversations({ request }: { request: string }) {
  const { t } = useI18n();
  const [chosen, setChosen] = useState<string | null>(null);
  const list = useQuery({
    queryKey: ["break-glass", request, "conversations"],
    queryFn: () => fetchOpened(request),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  if (list.isError) return <ErrorNotice error={list.error} />;
  return (
    <ul className="rows">
      {list.data?.map((conversation) => (
        <li key={conversation.id}>
          <Button small look="quiet" onClick={() => setChosen(conversation.id)}>
            {conversation.title || t("history.untitled")}
          </Button>
          {chosen === conversation.id && <Turns request={request} conversation={conversation.id} />}
        </li>
      ))}
    </ul>
  );
}

function Turns({ request, conversation }: { request: string; conversation: string }) {
  const read = useQuery({
    queryKey: ["break-glass", request, "conversations", conversation],
    queryFn: () => fetchOpenedConversation(request, conversation),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  if (read.isError) return <ErrorNotice error={read.error} />;
  return (
    <dl>
      {read.data?.turns.map((turn) => (
        <div key={turn.id}>
          <dt>{turn.question}</dt>
          <dd>{turn.answer}</dd>
        </div>
      ))}
    </dl>
  );
}
