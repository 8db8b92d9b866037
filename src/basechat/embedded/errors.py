"""What may go wrong around the stack, told in sentences that end with what to do."""

import errno


class StackError(Exception):
    """A sentence for people: what happened, and what to do about it."""


def explain(error: OSError) -> StackError:
    """Turn the refusals of an operating system that people can do something about into sentences."""
    where = f" {error.filename}" if error.filename else ""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return StackError(f"The disk is full: could not write{where}. Free some space and start again.")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return StackError(
                f"No permission to write{where}. Make it writable for you, or choose another folder with --data-dir."
            )
        case _:
            return StackError(f"The system refused{where}: {error.strerror or error}.")
