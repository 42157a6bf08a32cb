"""One endpoint: `audio/transcriptions`."""
