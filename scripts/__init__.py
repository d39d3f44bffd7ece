"""What the rules run, one script per rule, and the side jobs: `python -m scripts.<verb_object>`."""
