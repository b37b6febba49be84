"""The images of `encoder/src/published/`, on which values of published checkpoints are known.

    python tests/golden/published.py

The recipe is that of transformers' own test (`tests/models/siglip2/test_modeling_siglip2.py`): a
blue disc with a green border on red, drawn by Pillow. The PNG files are exact to the pixel; run
this again only to see that they are.
"""

from pathlib import Path

from PIL import Image, ImageDraw

HERE = Path(__file__).parents[2] / "encoder/src/published"
SIZES = [(224, 224), (1024, 1024), (1024, 224)]  # width, height


def draw(width: int, height: int) -> Image.Image:
    image = Image.new("RGB", (width, height), (255, 0, 0))
    x, y = width // 2, height // 2
    radius = min(x, y) // 8 * 7
    box = (x - radius, y - radius, x + radius, y + radius)
    ImageDraw.Draw(image).ellipse(box, fill=(0, 0, 255), outline="green", width=width // 20)
    return image


if __name__ == "__main__":
    for width, height in SIZES:
        path = HERE / f"disc-{width}x{height}.png"
        image = draw(width, height)
        if path.exists() and Image.open(path).tobytes() != image.tobytes():
            raise SystemExit(f"{path.name} is another image than this Pillow draws")
        image.save(path, optimize=True)
