"""What every HTTP service of BaseChat does alike: request ids, problem documents, limits, health."""
