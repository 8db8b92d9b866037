"""Errors of the stack: each is a sentence that ends with what to do."""

import errno


class StackError(Exception):
    """A sentence for people: what happened, and what to do about it."""


def explain(error: OSError) -> StackError:
    where = f" {error.filename}" if error.filename else ""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return StackError(f"The disk is full: BaseChat could not write{where}. Free some space and start again.")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return StackError(
                f"No permission to write{where}. Make it writable for you, or choose another folder with --data-dir."
            )
        case _:
            return StackError(f"The operating system refused{where}: {error.strerror or error}.")
