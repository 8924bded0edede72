import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { Problem } from "./api/client";
import { listen } from "./app/keys";
import { useScheme } from "./app/prefs";
import { router } from "./app/router";
import { nonce, theme } from "./app/theme";
import { flushOnLeave } from "./app/undo";
import { Toasts } from "./ui/Toasts";
import "./app/styles";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the server refuses it refuses again; only silence and its own faults are worth another try.
      retry: (n, err) => n < 2 && !(err instanceof Problem && err.status > 0 && err.status < 500),
    },
  },
});

function App() {
  const scheme = useScheme();
  return (
    <MantineProvider
      theme={theme}
      forceColorScheme={scheme}
      withCssVariables={false}
      withGlobalClasses={false}
      getStyleNonce={nonce}
    >
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
        <Toasts />
      </QueryClientProvider>
    </MantineProvider>
  );
}

listen();
flushOnLeave();
createRoot(document.getElementById("root")!).render(<App />);
