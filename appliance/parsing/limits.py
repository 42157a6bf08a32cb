"""What one file may cost."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CageLimits:
    wall_s: float = 60.0
    """Wall clock for an ordinary file."""
    wall_longest_s: float = 300.0
    """Wall clock for a large one: a minute more for each `wall_bytes` of size."""
    wall_bytes: int = 10 * MIB
    memory_bytes: int = 4096 * MIB
    """Address space of the child; text recognition maps far more than it uses."""
    output_bytes: int = 256 * MIB
    """Most that the child may give back."""
    open_files: int = 256

    def wall_for(self, size_bytes: int) -> float:
        """Seconds for a file of this size."""
        return min(self.wall_longest_s, self.wall_s + 60.0 * (size_bytes / self.wall_bytes))


MAX_UNPACKED_BYTES = 512 * MIB
MAX_RATIO = 200
"""Unpacked to packed size of one archive member of more than a megabyte."""
MAX_ENTRIES = 20_000
MAX_PAGES = 5_000
MAX_OCR_PAGES = 40
MAX_PIXELS = 60_000_000
MAX_ROWS = 50_000
"""Rows read of one sheet or table; the rest makes the document partial."""
MAX_CELLS_PER_ROW = 512
MAX_TEXT_CHARACTERS = 20_000_000
"""Text kept of one document."""
MAX_MAIL_DEPTH = 5
MAX_ATTACHMENTS = 100
