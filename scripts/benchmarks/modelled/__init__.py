"""What `pods.py` works out: `chips`, `fusion` and `counted` of traced steps, `scaling` of both."""
