"use client";

/** The state of the open chat, with the functions that change it. */

import { useEffect, useReducer, useState } from "react";
import * as server from "@/features/chat/api";
import { newConversation, reduceConversation } from "@/features/chat/conversation";
import { ConversationDriver, type ConversationEvents } from "@/features/chat/conversation-driver";

export function useConversation(chatId: string | null, events: ConversationEvents) {
  const [conversation, dispatch] = useReducer(reduceConversation, chatId, newConversation);
  const [driver] = useState(() => new ConversationDriver({ chatId, server, dispatch, events }));

  useEffect(() => {
    driver.events = events;
  });
  useEffect(() => driver.open(), [driver]);

  const { send, show, rate, decide, stop, load: reload } = driver;
  return {
    conversation,
    send,
    show,
    rate,
    decide,
    stop,
    reload,
    loadOlder: () => driver.loadOlder(conversation.older),
  };
}
