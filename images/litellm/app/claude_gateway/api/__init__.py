"""What a request meets on its way: authentication, its bounds, the contract, and the two dialects that answer it."""
