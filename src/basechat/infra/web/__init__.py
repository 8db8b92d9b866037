"""What all HTTP services share: request ids, body limits, problem documents and event streams."""
