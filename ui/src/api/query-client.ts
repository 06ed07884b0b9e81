import { QueryClient } from "@tanstack/react-query";
import { isApiError } from "./api-error.ts";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      gcTime: 300_000,
      retry: (failures, error) => isApiError(error) && error.mayPass && failures < 3,
      retryDelay: (failures) => Math.min(8_000, 500 * 2 ** failures),
      networkMode: "always",
    },
    mutations: { retry: false, networkMode: "always" },
  },
});
