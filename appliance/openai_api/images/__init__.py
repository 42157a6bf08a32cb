"""One endpoint: `images/generations`."""
