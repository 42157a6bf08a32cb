"""Write those sample documents that are not plain text: a small firm's papers, made up by us.

Their words stand in script/samples/*.md: a heading per chapter, paragraphs between empty lines.
"""

from pathlib import Path

from docx import Document
from openpyxl import Workbook
from pptx import Presentation
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import cm
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer

SOURCES = Path(__file__).resolve().parent / "samples"
TARGET = SOURCES.parent.parent / "appliance" / "samples" / "documents"

Chapters = list[tuple[str, list[str]]]

PRICES = (
    ("Article", "Description", "Price in euros", "Delivery time"),
    ("FM-200", "Ultrasonic flow meter, 50 to 300 mm", 1850, "2 weeks"),
    ("FM-400", "Electromagnetic flow meter, 80 to 600 mm", 2940, "6 weeks"),
    ("PS-10", "Pressure sensor, 0 to 16 bar", 310, "in stock"),
    ("DL-5", "Data logger with mobile network", 690, "in stock"),
    ("CAL-1", "Calibration with certificate", 220, "10 days"),
)
DISCOUNTS = (("Quantity", "Discount"), ("from 10", "4 %"), ("from 50", "9 %"), ("from 200", "15 %"))

SLIDES = (
    ("How we sell", ("Listen first: what does the water works lose today?", "Our answer within two working days")),
    (
        "Why customers choose us",
        ("Battery life of the FM-200 is ten years", "Warranty of five years on all meters", "Spare parts for 15 years"),
    ),
    (
        "Targets for 2026",
        ("Revenue of 48 million euros", "Three new distributors in Japan", "Customer satisfaction above 92 percent"),
    ),
)


def read_chapters(name: str) -> Chapters:
    """(heading, paragraphs) of each chapter."""
    chapters: Chapters = []
    for block in (SOURCES / name).read_text(encoding="utf-8").split("\n\n"):
        if block.startswith("# "):
            chapters.append((block.removeprefix("# ").strip(), []))
        else:
            chapters[-1][1].append(" ".join(block.split()))
    return chapters


def write_handbook(target: Path, title: str, chapters: Chapters) -> None:
    styles = getSampleStyleSheet()
    flow = []
    for number, (heading, paragraphs) in enumerate(chapters, start=1):
        if number == 1:
            flow += [Paragraph(title, styles["Title"]), Spacer(1, cm)]
        flow.append(Paragraph(f"{number}. {heading}", styles["Heading1"]))
        for text in paragraphs:
            flow += [Paragraph(text, styles["BodyText"]), Spacer(1, 0.3 * cm)]
        flow.append(PageBreak())
    document = SimpleDocTemplate(str(target), pagesize=A4, title=title, author="Lindenhof Instruments", invariant=1)
    document.build(flow[:-1])


def write_word(target: Path, title: str, chapters: Chapters) -> None:
    document = Document()
    document.add_heading(title, 0)
    for heading, paragraphs in chapters:
        document.add_heading(heading, 1)
        for text in paragraphs:
            document.add_paragraph(text)
    document.save(str(target))


def write_prices(target: Path) -> None:
    book = Workbook()
    prices = book.active
    prices.title = "Prices 2026"
    for row in PRICES:
        prices.append(row)
    discounts = book.create_sheet("Discounts")
    for row in DISCOUNTS:
        discounts.append(row)
    book.save(target)


def write_slides(target: Path) -> None:
    show = Presentation()
    for title, points in SLIDES:
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text_frame.text = "\n".join(points)
    show.save(str(target))


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    write_handbook(TARGET / "handbook.pdf", "Employee Handbook", read_chapters("handbook.md"))
    write_word(TARGET / "就業規則.docx", "就業規則", read_chapters("work-rules.md"))
    write_prices(TARGET / "price-list.xlsx")
    write_slides(TARGET / "sales-training.pptx")
    print(f"{len(list(TARGET.iterdir()))} documents in {TARGET}")


if __name__ == "__main__":
    main()
