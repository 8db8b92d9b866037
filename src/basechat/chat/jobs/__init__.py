"""Jobs: background work that is stored in the transaction of its cause and executed by any worker."""
