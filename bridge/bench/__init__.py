"""Benchmarks: how many headsets are answered in time, beside a bare echo and a naive server."""
