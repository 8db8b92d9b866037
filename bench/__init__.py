"""The benchmarks of `make bench`: BaseChat beside the direct call to the same upstream, in one run."""
