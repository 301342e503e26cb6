"""What proves a notice and a licence: who sent what, when, by which channel; time-stamps; papers kept."""
