import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useState } from "react";
import { createQueryClient } from "@/app/queries";
import { createAppRouter } from "@/app/router";
import { TurnStreams, TurnStreamsContext } from "@/features/chat/streams";
import { I18nProvider } from "@/i18n";

export function App() {
  const [client] = useState(createQueryClient);
  const [streams] = useState(() => new TurnStreams(client));
  const [router] = useState(() => createAppRouter(client));
  return (
    <I18nProvider>
      <QueryClientProvider client={client}>
        <TurnStreamsContext value={streams}>
          <RouterProvider router={router} />
        </TurnStreamsContext>
      </QueryClientProvider>
    </I18nProvider>
  );
}
