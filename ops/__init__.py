"""What operators do to a running stack: rotate and retire its master key, repair what a failed update left behind."""
