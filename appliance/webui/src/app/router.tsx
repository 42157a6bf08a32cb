import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { queries } from "@/app/queries";
import { RouteError } from "@/app/RouteError";
import { Shell } from "@/app/Shell";
import { localPathOf, numberOf, textOf } from "@/app/search";

interface RouterContext {
  client: QueryClient;
}

interface LoginSearch {
  next?: string;
  /** Why single sign-on did not end in a session; the server names it. */
  problem?: string;
  "signed-out"?: "";
}

const root = createRootRouteWithContext<RouterContext>()({ errorComponent: RouteError });

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (search): LoginSearch => ({
    next: localPathOf(search.next),
    problem: textOf(search.problem),
    "signed-out": search["signed-out"] !== undefined ? "" : undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/login/LoginPage"), "LoginPage"),
});

/** Everything but the login needs a person; the page that was asked for is kept for afterwards. */
const shell = createRoute({
  getParentRoute: () => root,
  id: "shell",
  component: Shell,
  errorComponent: RouteError,
  beforeLoad: async ({ context, location }) => {
    const me = await context.client.ensureQueryData(queries.me);
    if (!me) throw redirect({ to: "/login", search: { next: location.href } });
  },
});

const chatPage = () => import("@/features/chat/ChatPage");

const newChat = createRoute({
  getParentRoute: () => shell,
  path: "/",
  component: lazyRouteComponent(chatPage, "NewChatPage"),
});

const conversation = createRoute({
  getParentRoute: () => shell,
  path: "/c/$conversationId",
  component: lazyRouteComponent(chatPage, "ConversationPage"),
});

const library = createRoute({
  getParentRoute: () => shell,
  path: "/library",
  component: lazyRouteComponent(() => import("@/features/library/LibraryPage"), "LibraryPage"),
});

const collection = createRoute({
  getParentRoute: () => shell,
  path: "/library/$collectionId",
  component: lazyRouteComponent(() => import("@/features/library/CollectionPage"), "CollectionPage"),
});

const document = createRoute({
  getParentRoute: () => shell,
  path: "/library/$collectionId/$documentId",
  validateSearch: (search): { page?: number; passage?: string } => ({
    page: numberOf(search.page),
    passage: textOf(search.passage),
  }),
  component: lazyRouteComponent(() => import("@/features/sources/DocumentPage"), "DocumentPage"),
});

const models = createRoute({
  getParentRoute: () => shell,
  path: "/models",
  component: lazyRouteComponent(() => import("@/features/models/ModelsPage"), "ModelsPage"),
});

const account = createRoute({
  getParentRoute: () => shell,
  path: "/account",
  component: lazyRouteComponent(() => import("@/features/account/AccountPage"), "AccountPage"),
});

const keys = createRoute({
  getParentRoute: () => shell,
  path: "/account/keys",
  component: lazyRouteComponent(() => import("@/features/keys/KeysPage"), "KeysPage"),
});

const roles = createRoute({
  getParentRoute: () => shell,
  path: "/account/roles",
  component: lazyRouteComponent(() => import("@/features/access/RolesPage"), "RolesPage"),
});

const routeTree = root.addChildren([
  login,
  shell.addChildren([newChat, conversation, library, collection, document, models, account, keys, roles]),
]);

export function createAppRouter(client: QueryClient) {
  return createRouter({
    routeTree,
    context: { client },
    defaultPreload: "intent",
    defaultNotFoundComponent: NotFound,
  });
}

function NotFound() {
  return <RouteError error={null} />;
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
