"""What operators do to a running stack: rotate and retire its master key, and mend what a failed update left behind."""
