#!/usr/bin/env python3
"""Reports, read by programs that are not ours: JUnit by junitparser, TAP by tap.py and prove, SARIF by its shape as a JSON schema,
the page by a headless Chromium. What is not installed is said, and skipped; `make setup` installs it.

usage: check.py HARNESS [--pictures FOLDER]
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import browser  # noqa: E402

HARNESS = os.path.abspath(sys.argv[1])
PICTURES = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
RECORDED = os.path.join(HERE, "..", "ReportsTests", "Recorded", "run.jsonl")
# What would be obeyed, or break a document, where it is not escaped.
NASTY = ("<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'> ]]> \x1b[31m \x07 \" ' & # %0A::error:: "
         "\\ | \u202e \ufffe end")
FORMATS = ("json", "junit", "tap", "sarif", "codequality", "html", "svg", "perfetto")


def imported(name):
    try:
        return __import__(name)
    except ImportError:
        return None


def hostile(lines):
    """The recorded run, with hostile texts in every place that an init or a scenario may choose, lines of 1 MiB, and 6,000 lines more."""
    for line in lines:
        record = json.loads(line)
        event = record.get("event", {})
        if event.get("by") == "output":
            event["text"] = NASTY + "x" * (1 << 20)
        if event.get("what") in ("hello", "executes", "executed"):
            event["name"] = NASTY
        if record["kind"] == "run":
            record["init"] += " " + NASTY
            last = record
        yield json.dumps(record)
        if record["kind"] == "run" and record["run"] == first_run(lines):
            for number in range(6000):
                event = {"by": "output", "what": "printed", "name": "stdout", "text": f"{number} {NASTY}"}
                yield json.dumps({"kind": "event", "run": last["run"], "at": 10**15 + number * 1000, "event": event})


def first_run(lines):
    return next(record["run"] for record in map(json.loads, lines) if record["kind"] == "run")


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="harness-formats-")
        with open(RECORDED) as file:
            lines = file.read().splitlines()
        with open(cls.path("hostile.jsonl"), "w") as file:
            file.write("\n".join(hostile(lines)) + "\n")
        with open(cls.path("interrupted.jsonl"), "w") as file:
            file.write("\n".join(lines[:-10]) + '\n{"at":')
        shutil.copy(RECORDED, cls.path("whole.jsonl"))
        cls.kinds = ("whole", "interrupted", "hostile")
        for kind in cls.kinds:
            options = [word for name in FORMATS for word in (f"--{name}", cls.path(f"{kind}.{name}"))]
            subprocess.run([HARNESS, "report", cls.path(f"{kind}.jsonl"), "--quiet", *options], stdout=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8", newline="") as file:
            return file.read()

    def summary(self, kind):
        return json.loads(self.read(f"{kind}.json"))["summary"]

    # No control characters, and no endless text.

    def test_nothing_is_obeyed_or_endless(self):
        for name in FORMATS:
            text = self.read(f"hostile.{name}")
            controls = {c for c in text if unicodedata.category(c) in ("Cc", "Cf") and c not in "\n\t"}
            self.assertEqual(controls, set(), name)
            # 6,000 lines of an event, each cut to what can be read; the page has the journal as well.
            self.assertLess(len(text), 12_000_000, name)

    # JUnit

    def test_junit(self):
        if not imported("junitparser"):
            self.skipTest("python3-junitparser is not installed")
        from junitparser import Error, Failure, JUnitXml, Skipped
        for kind in self.kinds:
            wanted = self.summary(kind)
            cases = [case for suite in JUnitXml.fromfile(self.path(f"{kind}.junit")) for case in suite]
            results = [result for case in cases for result in case.result]
            count = lambda kind: sum(isinstance(result, kind) for result in results)  # noqa: E731
            self.assertEqual(count(Failure), wanted["failed"], kind)
            self.assertEqual(count(Error), wanted["errors"], kind)
            self.assertEqual(count(Skipped), wanted["not_applicable"] + wanted["known"], kind)
            total = sum(wanted[name] for name in ("passed", "failed", "errors", "not_applicable", "known", "flaky"))
            self.assertEqual(len(cases), total, kind)

    # TAP

    def test_tap(self):
        if not imported("tap"):
            self.skipTest("python3-tap is not installed")
        from tap.parser import Parser
        for kind in self.kinds:
            wanted = self.summary(kind)
            # It knows version 13, which has no escapes.
            text = self.read(f"{kind}.tap").replace("\\#", "no.")
            lines = list(Parser().parse_text(text))
            tests = [line for line in lines if line.category == "test"]
            self.assertEqual(sum(not test.ok and not test.todo for test in tests), wanted["failed"] + wanted["errors"], kind)
            self.assertEqual(sum(bool(test.skip) for test in tests), wanted["not_applicable"], kind)
            self.assertEqual(any(line.category == "bail" for line in lines), kind == "interrupted")

    def test_prove(self):
        if not shutil.which("prove"):
            self.skipTest("prove is not installed")
        wanted = self.summary("whole")
        # It knows version 13 at most; what is not of it is the version's line alone.
        text = self.read("whole.tap").replace("TAP version 14", "TAP version 13", 1)
        with open(self.path("prove.tap"), "w") as file:
            file.write(text)
        end = subprocess.run(
            ["prove", "--exec", "cat", self.path("prove.tap")], capture_output=True, text=True)
        total = sum(wanted[name] for name in ("passed", "failed", "errors", "not_applicable", "known", "flaky"))
        self.assertIn(f"Failed {wanted['failed'] + wanted['errors']}/{total} subtests", end.stdout)
        self.assertNotIn("Parse errors", end.stdout)

    # SARIF

    def test_sarif(self):
        jsonschema = imported("jsonschema")
        if not jsonschema:
            self.skipTest("python3-jsonschema is not installed")
        with open(os.path.join(HERE, "sarif.schema.json")) as file:
            schema = json.load(file)
        for kind in self.kinds:
            document = json.loads(self.read(f"{kind}.sarif"))
            jsonschema.validate(document, schema)
            run = document["runs"][0]
            rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
            self.assertEqual(len(rules), len(set(rules)))
            for result in run["results"]:
                self.assertIn(result["ruleId"], rules)
            # It is the schema that finds what is wrong.
            run["results"][0]["level"] = "bad"
            with self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(document, schema)

    # Chrome's trace format

    def test_trace(self):
        for kind in self.kinds:
            events = json.loads(self.read(f"{kind}.perfetto"))["traceEvents"]
            ends = {phase: sorted(e["id"] for e in events if e["ph"] == phase) for phase in "besf"}
            self.assertTrue(ends["b"] and ends["b"] == ends["e"] and ends["s"] == ends["f"], kind)
            self.assertTrue(all(event["ts"] >= 0 for event in events if event["ph"] != "M"), kind)


@unittest.skipUnless(browser.installed(), "chromium is not installed")
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        Reports.setUpClass()
        cls.browser = browser.Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        Reports.tearDownClass()

    def open(self, kind, fragment=""):
        self.browser.complaints.clear()
        self.browser.scheme("light")
        self.browser.resize(1100, 1400)
        self.browser.open(f"file://{Reports.path(kind)}.html{fragment}")

    def first(self, verdict):
        return self.browser.run(f"document.querySelector('details[data-verdict={verdict}]').id")

    def focused(self):
        return self.browser.run(
            "(({tagName, name, className, id}) => `${tagName.toLowerCase()} ${name || className || id}`.trim())"
            "(document.activeElement)")

    def test_nothing_is_complained_of(self):
        for kind in ("whole", "interrupted", "hostile"):
            self.open(kind)
            self.browser.run("document.querySelectorAll('details').forEach((run) => { run.open = true; })")
            self.browser.frame()
            self.assertEqual(self.browser.complaints, [], kind)
            self.assertIsNone(self.browser.run("window.hacked"), kind)
        self.open("whole")
        self.browser.run("console.error('heard')")
        self.assertEqual(len(self.browser.complaints), 1)

    def test_the_filter(self):
        self.open("whole")
        shown = "document.querySelectorAll('details.run:not([hidden])').length"
        said = "document.getElementById('shown').textContent"
        self.assertEqual(self.browser.run(shown), 9)
        # As a person without a mouse does it.
        self.browser.run("document.querySelector('[name=verdict]').focus()")
        self.browser.type("failed")
        for letter in "failed":
            self.browser.key(letter, text=letter)
        self.assertEqual(self.browser.run("document.querySelector('[name=verdict]').value"), "failed")
        self.assertEqual(self.browser.run(shown), 2)
        self.assertEqual(self.browser.run(said), "2 of 9 runs")
        self.browser.run("document.querySelector('[name=text]').focus()")
        self.browser.type("WORKERS")
        self.assertEqual(self.browser.run(shown), 1)

    def test_the_range(self):
        self.open("whole")
        self.open("whole", "#" + self.browser.run(
            "[...document.querySelectorAll('details[data-verdict=failed]')].find((run) => run.querySelector('.bar.orphan')).id"))
        run = "document.querySelector('details[open]')"
        count = lambda: int(self.browser.run(f"{run}.querySelector('output').textContent").split()[0])  # noqa: E731
        whole = count()
        self.assertGreater(whole, 20)
        self.browser.run(f"{run}.querySelector('.from').focus()")
        for _ in range(300):
            self.browser.send("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight", windowsVirtualKeyCode=39)
        self.browser.frame()
        less = count()
        self.assertTrue(0 < less < whole, f"{less} of {whole}")
        self.assertTrue(self.browser.run(f"!!{run}.querySelector('svg .selection')"))
        self.assertTrue(self.browser.run(f"{run}.querySelector('.from').getAttribute('aria-valuetext')"))
        # The same with a mouse, across the drawing; a click undoes it.
        area = self.browser.run(
            f"(({{left, top, width, height}}) => [left, top, width, height])({run}.querySelector('svg').getBoundingClientRect())")
        at = lambda part: (area[0] + area[2] * part, area[1] + area[3] / 2)  # noqa: E731
        self.browser.drag(at(0.5), at(0.7))
        dragged = count()
        self.assertTrue(0 < dragged < whole and dragged != less)
        self.browser.drag(at(0.5), at(0.5))
        self.assertEqual(count(), whole)
        # A line of the scenario is told beside its moment.
        self.assertIn("wait for app, app.1, app.2 ready within 10s", self.browser.run(f"{run}.querySelector('.events').textContent"))

    def test_many_events(self):
        self.open("hostile")
        many = self.browser.run(
            "[...document.querySelectorAll('details')].find((run) => run.querySelector('.data')?.textContent.length > 100000).id")
        self.browser.run(f"location.hash = '{many}'")
        self.browser.frame()
        box = f"document.querySelector('#{many} .events')"
        rows = f"{box}.querySelectorAll('li').length"
        self.assertGreater(int(self.browser.run(f"document.querySelector('#{many} output').textContent").split()[0]), 5000)
        for part in (0, 0.25, 0.5, 0.75, 1):
            self.browser.run(f"{box}.scrollTop = {box}.scrollHeight * {part}")
            self.browser.frame()
            # Not a row for each event: only what can be seen.
            self.assertTrue(10 < self.browser.run(rows) < 100)
        self.assertIn("5999 ", self.browser.run(f"{box}.querySelector('li:last-child').textContent"))

    def test_without_hovering_and_without_eyes(self):
        self.open("whole")
        self.browser.run("document.querySelectorAll('details').forEach((run) => { run.open = true; })")
        self.browser.frame()
        # Every mark has words.
        self.assertEqual(self.browser.run("[...document.querySelectorAll('.mark, .bar, g.step')].filter((mark) => !mark.querySelector('title')).length"), 0)
        nodes = self.browser.send("Accessibility.getFullAXTree")["nodes"]
        focusable = [
            node for node in nodes if not node.get("ignored")
            and any(p["name"] == "focusable" and p["value"]["value"] for p in node.get("properties", []))]
        nameless = [node["role"]["value"] for node in focusable if not node.get("name", {}).get("value")]
        self.assertEqual(nameless, [])
        self.assertGreater(len([node for node in nodes if node["role"]["value"] in ("image", "img", "graphics-document")
                                and node["name"]["value"].startswith("Timeline of ")]), 3)

    def test_the_order_of_focus(self):
        self.open("whole")
        seen = []
        for _ in range(9):
            self.browser.key("Tab")
            seen.append(self.focused())
        self.assertEqual(seen[:3], ["a"] * 3)
        self.assertEqual(seen[3:7], ["select init", "select verdict", "select cause", "input text"])
        self.assertEqual(seen[7:], ["summary", "summary"])
        # What has the focus is seen to have it.
        self.assertNotEqual(self.browser.run("getComputedStyle(document.activeElement).outlineStyle"), "none")
        self.browser.key("Enter")
        self.assertTrue(self.browser.run("document.activeElement.parentElement.open"))

    def test_contrast(self):
        script = """
            (() => {
              const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
              const colour = (text) => text.match(/[\\d.]+/g).map(Number);
              const ground = (node) => {
                for (; node; node = node.parentElement) {
                  const value = colour(getComputedStyle(node).backgroundColor);
                  if (value.length < 4 || value[3] > 0) return value;
                }
                return [255, 255, 255];
              };
              const bad = [];
              for (const node of document.querySelectorAll("body *")) {
                const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
                if (!own || !node.getClientRects().length || node.closest("script, style, title")) continue;
                const inside = node.closest("svg");
                const front = colour(inside ? getComputedStyle(node).fill : getComputedStyle(node).color);
                const back = inside ? colour(getComputedStyle(inside.querySelector(".ground")).fill) : ground(node);
                const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
                if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(`${node.tagName}.${node.className.baseVal ?? node.className}: ${front} on ${back}`);
              }
              return [...new Set(bad)];
            })()
            """
        for scheme in ("light", "dark"):
            self.open("whole")
            self.browser.scheme(scheme)
            self.browser.run("document.querySelectorAll('details').forEach((run) => { run.open = true; })")
            self.browser.frame()
            self.assertEqual(self.browser.run(script), [], scheme)
        # Grey on grey is seen.
        self.browser.run("document.querySelector('h1').style.color = '#333'")
        self.assertEqual(len(self.browser.run(script)), 1)

    def test_on_a_phone(self):
        self.open("whole")
        self.browser.resize(390, 800, phone=True)
        self.browser.run("document.querySelectorAll('details').forEach((run) => { run.open = true; })")
        self.browser.frame()
        self.assertLessEqual(self.browser.run("document.documentElement.scrollWidth"), 390)

    @unittest.skipUnless(PICTURES, "no folder for pictures")
    def test_pictures(self):
        os.makedirs(PICTURES, exist_ok=True)
        self.open("whole")
        self.open("whole", "#" + self.first("failed"))
        self.browser.picture(f"{PICTURES}/light.png")
        self.browser.scheme("dark")
        self.browser.picture(f"{PICTURES}/dark.png")
        self.browser.resize(390, 1400, phone=True)
        self.browser.picture(f"{PICTURES}/phone.png")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
