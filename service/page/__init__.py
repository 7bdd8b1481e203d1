"""The page of the service: files that a browser is given as they are, and the routes that give them."""
