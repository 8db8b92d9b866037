// Generated from `src/basechat/protocol.py` by `python -m basechat.services.run_events`. Do not edit.

import type { components } from "@/lib/api/schema";

type Schemas = components["schemas"];

/** The events of a run, by name. */
export interface RunEvents {
  "run.started": {
    run: Schemas["Run"];
    user_message: Schemas["Message"];
    assistant_message: Schemas["Message"];
  };
  intent: {
    tools: string[];
  };
  "tool.call": {
    call_id: string;
    name: string;
    title: string;
    server: string;
    arguments: Record<string, unknown>;
    at: number;
  };
  "tool.approval": {
    call_id: string;
    name: string;
    title: string;
    server: string;
    arguments: Record<string, unknown>;
    input_schema: Record<string, unknown>;
    expires_at: string;
  };
  "tool.result": {
    call_id: string;
    ok: boolean;
    preview: string;
    cached: boolean;
  };
  "message.delta": {
    text: string;
    at: number;
  };
  "message.reset": {
    text: string;
  };
  "message.completed": {
    message: Schemas["Message"];
  };
  "run.cancelled": {
    message: Schemas["Message"];
  };
  "run.failed": {
    code: string;
    detail: string;
    message: Schemas["Message"];
  };
}
