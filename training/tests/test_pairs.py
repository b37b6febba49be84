"""Files of pairs as people have them, and what is said of wrong ones."""

import json

from PIL import Image

from training.checkpoint import open_view
from training.pairs import Pair, View, read_pairs, split
from training.tests.tiny import InFolder


class Pairs(InFolder):
    def setUp(self):
        super().setUp()
        for name in ("a.png", "b.png"):
            image = Image.new("RGB", (8, 6), (0, 0, 255))
            image.paste((255, 0, 0), (4, 0, 8, 3))
            image.save(self.folder / name)
        self.a, self.b = self.folder / "a.png", self.folder / "b.png"

    def write(self, name: str, content) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        (self.folder / name).write_text(text, encoding="utf-8")

    def read(self, name: str) -> list[Pair]:
        return read_pairs(self.folder / name)

    def test_coco_captions_and_captions_of_boxes(self):
        images = [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}]
        annotations = [
            {"image_id": 1, "caption": "blue"},
            {"image_id": 2, "caption": "red", "bbox": [4, 0, 4, 3]},
            {"image_id": 2, "category_id": 7},
        ]
        self.write("captions.json", {"images": images, "annotations": annotations})
        pairs = self.read("captions.json")
        self.assertEqual(pairs, [Pair(View(self.a), "blue"), Pair(View(self.b, (4, 0, 8, 3)), "red")])
        self.assertEqual(open_view(pairs[1].view).size, (4, 3))
        self.assertEqual(open_view(pairs[1].view).getpixel((0, 0)), (255, 0, 0))

    def test_karpathy_has_splits(self):
        images = [
            {"filename": "a.png", "split": "restval", "sentences": [{"raw": "one"}, {"raw": "two"}]},
            {"filename": "b.png", "split": "val", "sentences": [{"raw": "three"}]},
        ]
        self.write("karpathy.json", {"images": images})
        trained, held_out = split(self.read("karpathy.json"), 0.5)
        self.assertEqual([pair.text for pair in trained], ["one", "two"])
        self.assertEqual([pair.text for pair in held_out], ["three"])

    def test_lines_and_folders(self):
        several = '{"image": "a.png", "text": ["one", "two"], "source": "eins"}'
        self.write("p.jsonl", several + '\n\n{"image": "b.png", "caption": "x"}\n')
        found = [(pair.text, pair.source) for pair in self.read("p.jsonl")]
        self.assertEqual(found, [("one", "eins"), ("two", "eins"), ("x", "")])
        self.write("a.txt", "first\n\nsecond\n")
        self.assertEqual(read_pairs(self.folder), [Pair(View(self.a), "first"), Pair(View(self.a), "second")])

    def test_tables(self):
        self.write("names.tsv", "a.png\tone\nb.png\tde\tzwei\n\n")
        self.assertEqual(self.read("names.tsv"), [Pair(View(self.a), "one"), Pair(View(self.b), "zwei")])

    def test_split_holds_out_whole_images_and_always_the_same(self):
        pairs = [Pair(View(self.folder / f"{i}.png"), text) for i in range(200) for text in ("x", "y")]
        trained, held_out = split(pairs, 0.25)
        self.assertEqual((trained, held_out), split(pairs, 0.25))
        self.assertFalse({pair.view for pair in trained} & {pair.view for pair in held_out})
        self.assertEqual(len(trained) + len(held_out), 400)
        self.assertTrue(60 < len(held_out) < 140, len(held_out))

    def test_errors_name_file_and_place(self):
        self.write("p.jsonl", '{"image": "a.png", "text": "x"}\n{"text": "y"}\n')
        self.write("box.jsonl", '{"image": "a.png", "text": "x", "box": [4, 0, 2, 2]}\n')
        self.write("gone.jsonl", '{"image": "gone.png", "text": "x"}\n')
        self.write("broken.json", "{")
        self.write("other.json", {"images": [{"id": 1}]})
        self.write("empty.json", {"images": [], "annotations": []})
        self.write("table.tsv", "a.png\tone\na.png\n")
        said = {
            "table.tsv": "table.tsv, line 2: has 1 cells",
            "p.jsonl": "p.jsonl, line 2",
            "box.jsonl": "box.jsonl, line 1.*left, top, right, bottom",
            "gone.jsonl": "gone.png is not there; .*--images",
            "broken.json": "broken.json",
            "other.json": "other.json.*Karpathy",
            "empty.json": "no image has captions",
            "nothing.json": "there is no such file",
        }
        for name, words in said.items():
            with self.subTest(name), self.assertRaisesRegex(SystemExit, words):
                self.read(name)
