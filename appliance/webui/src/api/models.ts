import { getJson } from "@/api/http";
import type { Model } from "@/api/types";

export const fetchModels = () => getJson<Model[]>("/api/models");
