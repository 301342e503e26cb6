"""What happens to an offered patent later, as guided tasks: assignment, abandonment, pledge (GL V-11 §9)."""
