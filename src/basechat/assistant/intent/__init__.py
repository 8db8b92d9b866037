"""What a message needs: the tools to offer, whether to recall earlier chats, the language of the answer."""
