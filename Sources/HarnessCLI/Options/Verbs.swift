import Harness

extension Verb {
    /// Every verb, in the order in which they are listed.
    static let all: [Verb] = [
        check, run, diagnose, report, lint, fmt, list, simulate, importing, cache, doctor, completions, manual,
    ]

    private static let check = Verb(
        name: "check", usage: "[IMAGE] [OPTION…] [-- COMMAND…]",
        summary: "say what a container image does when it is stopped, killed and restarted",
        about:
            "Makes containers of an image (what `docker save`, `podman save` or `docker export` wrote, an OCI layout, a directory with a root file "
            + "system, docker:NAME or podman:NAME), or of a command on this machine's root, with `docker run`'s options: starts, stops, kills and "
            + "restarts them, at many moments and in many surroundings, and says of each whether it is good, harmful or worth knowing, and what to "
            + "change. Exit status 1: something harmful was found that nobody has accepted.",
        options: CheckOptions.table.options.map(\.text),
        examples: [
            ("check app.tar", "an image that docker save wrote"),
            ("check docker:nginx -v data:/data -e MODE=prod", "one that Docker has, with a volume and a variable"),
            ("check --only stop,kill-early -- ./entrypoint.sh app", "two checks of a command on this machine's root"),
        ], suffixes: [".tar"], run: { CommandLineTool.check($0) })

    private static let run = Verb(
        name: "run", usage: "[PATH | FILE:LINE,LINE]… [OPTION…] [-- COMMAND…]", summary: "run scenarios against inits",
        about:
            "Carries scenarios out: files or folders, the scenarios at some lines of a file, or the conformance suite that came with the "
            + "tool. `-- COMMAND…` after --init is the command line of that init; alone it is an init of unknown abilities, which is given its "
            + "child's command as further arguments. Options that you always want go into harness.conf, one a line, without the dashes.",
        options: RunOptions.table.options.map(\.text),
        examples: [
            ("run --init tini", "the conformance suite against tini"),
            ("run my.scenario -- ./my-init --flag", "a scenario of your own against an init of your own"),
            ("run --init all --junit report.xml", "every init that is installed, with a report for CI"),
        ], suffixes: [".scenario"], run: { CommandLineTool.runScenarios($0) })

    private static let diagnose = Verb(
        name: "diagnose", usage: "[DOCKER-RUN-OPTION…] -- COMMAND…",
        summary: "say why a container does not stay up, or does not stop",
        about:
            "Runs a command under a restart policy until there is proof, stops what stays up and starts it again, and says what is wrong, "
            + "with the evidence. Exit status 0: it stays up; 1: a restart loop, or it has ended.",
        options: DiagnoseOptions.table.options.map(\.text),
        examples: [
            ("diagnose -- /entrypoint.sh app", "a command on this machine's root"),
            (
                "diagnose --rootfs img -e MODE=prod -v data:/data -- /entrypoint.sh",
                "one on an unpacked image, with a volume"
            ),
            ("diagnose --scenario loop.scenario -- ./broken.sh", "and write what was done as a scenario"),
        ], run: { CommandLineTool.diagnose($0) })

    private static let report = Verb(
        name: "report", usage: "FILE… [OPTION…]", summary: "judge recorded runs again, and draw them",
        about:
            "Reads journals that `run --journal` has recorded, or pages of `run --html`, judges them again and writes reports. It runs nothing, and "
            + "needs no privileges. Several files are the parts of one run; with --diff two files are two runs, and the exit status is 1 where a "
            + "verdict differs, or a scenario is in only one of them.",
        options: RunOptions.ofReport.map(\.text),
        examples: [
            ("report run.jsonl --junit report.xml", "the report for people, and one for CI"),
            ("report --diff old.jsonl new.jsonl", "what is not as it was: verdicts, then events side by side"),
            ("report shard-*.jsonl --format json", "the parts of a run, made one"),
        ], suffixes: [".jsonl", ".html"], run: { CommandLineTool.report($0) })

    private static let lint = Verb(
        name: "lint", usage: "[PATH…] [OPTION…]", summary: "say what is wrong with scenario and profile files",
        about:
            "Reads files and runs nothing. Of what proves nothing it warns. Exit status 2 where a file has an error.",
        options: FileOptions.lint.options.map(\.text),
        examples: [
            ("lint", "the suite"), ("lint --strict scenarios", "a warning is an error"),
            ("lint --format github my.scenario", "annotations for a workflow"),
        ], suffixes: [".scenario", ".init"], run: { CommandLineTool.lint($0) })

    private static let fmt = Verb(
        name: "fmt", usage: "[PATH… | -] [OPTION…]", summary: "bring scenario and profile files into canonical form",
        about: "Writes files anew where they are not in canonical form; `-` is standard input, to standard output.",
        options: FileOptions.fmt.options.map(\.text),
        examples: [
            ("fmt scenarios", "every file of a folder"),
            ("fmt --check", "only name those that would change (exit status 1)"),
            ("fmt - < my.scenario", "one to standard output"),
        ], suffixes: [".scenario", ".init"], run: { CommandLineTool.format($0) })

    private static let list = Verb(
        name: "list", usage: "[PATH…] [OPTION…]",
        summary: "list scenarios: titles, tags, and what each needs of an init",
        about: "Reads files and runs nothing.", options: FileOptions.list.options.map(\.text),
        examples: [
            ("list", "the suite"), ("list --tag grace,orphan", "what has one of two tags"),
            ("list --filter zombie --format json", "for programs"),
        ], suffixes: [".scenario"], run: { CommandLineTool.list($0) })

    private static let simulate = Verb(
        name: "simulate", usage: "[OPTION…] 'CLAUSE; …'", summary: "say what runtimes would do, in virtual time",
        about:
            "Runs nothing. The clauses: exits N after D [N times] · dies of SIGNAL after D [N times] · on stop|SIGNAL exits N|dies of "
            + "SIGNAL|nothing [after D] · hook takes D · start|stop [grace D]|restart [grace D]|kill [SIGNAL]|pause|resume|recreate|daemon "
            + "restarts|daemon crashes at D · until D",
        options: SimulateOptions.table.options.map(\.text),
        examples: [
            ("simulate 'exits 1 after 2s; until 60s' --restart always", "how a restart loop goes on"),
            ("simulate --runtime all 'on stop nothing; stop at 5s'", "a stop that is not heard, by each runtime"),
            ("simulate --format json 'stop at 1s'", "for programs"),
        ], run: { CommandLineTool.simulate($0) })

    private static let importing = Verb(
        name: "import", usage: "FILE | - [OPTION…]",
        summary: "make scenarios of what Docker, Podman, Compose or Kubernetes say",
        about:
            "Reads a Compose file or a Kubernetes manifest in YAML, or what `docker inspect`, `podman inspect`, `docker compose config --format json` or "
            + "`kubectl get -o json` print, and writes scenarios: "
            + "command, environment, user, volumes, stop signal and time-out, restart policy, hooks, probes, limits, several containers. What has no counterpart "
            + "is a comment, and said. `harness check FILE` takes the same files.",
        options: ImportOptions.table.options.map(\.text),
        examples: [
            ("import web.json > web.scenario", "what docker inspect web > web.json wrote"),
            ("import compose.yaml -o project.scenario", "a project"),
            ("import pod.json --image app.tar -o pod.scenario", "a pod, with an image from a file"),
        ], suffixes: [".json", ".yaml", ".yml"], run: { CommandLineTool.importDocument($0) })

    private static let cache = Verb(
        name: "cache", usage: "[list | clear]", summary: "say what has been unpacked of images, or take it away",
        about:
            "Layers of images are unpacked once, into harness/images in the user's cache ($XDG_CACHE_HOME), 20 GiB at most: what has not been used "
            + "longest goes first. `clear` leaves what a run uses.",
        options: [],
        examples: [
            ("cache", "the layers, with the day of their last use"), ("cache list | tail -n 1", "how much there is"),
            ("cache clear", "take them away"),
        ], run: { CommandLineTool.cache($0) })

    private static let doctor = Verb(
        name: "doctor", usage: "", summary: "say what this machine has and lacks", about: "Tries out what a run needs.",
        options: [],
        examples: [
            ("doctor", "what is there"), ("doctor | grep '✗'", "what is missing"),
            ("doctor && harness run", "run where it can be"),
        ],
        run: { CommandLineTool.doctor($0) })

    private static let completions = Verb(
        name: "completions", usage: "bash|zsh|fish", summary: "print completions for a shell",
        about: "Prints a script for the shell to load at startup.",
        options: [],
        examples: [
            ("completions bash > /etc/bash_completion.d/harness", "for bash"),
            ("completions zsh > /usr/share/zsh/site-functions/_harness", "for zsh"),
            ("completions fish > ~/.config/fish/completions/harness.fish", "for fish"),
        ], run: { CommandLineTool.completions($0) })

    private static let manual = Verb(
        name: "man", usage: "", summary: "print the manual page", about: "In the form that man(1) reads.", options: [],
        examples: [
            ("man | man -l -", "read it"), ("man > /usr/local/share/man/man1/harness.1", "install it"),
            ("man | mandoc -T html", "as a page"),
        ], run: { CommandLineTool.manual($0) })
}
