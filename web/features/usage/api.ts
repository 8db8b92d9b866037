import { api } from "@/lib/api/client";
import type { Usage } from "@/lib/api/types";

export const getUsage = () => api.get<Usage>("/usage");
