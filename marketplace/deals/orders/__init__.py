"""Orders of know-how and services that a holder offers beside the open licence, never as its condition."""
