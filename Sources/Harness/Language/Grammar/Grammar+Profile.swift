import Model
import Vocabulary

extension Grammar {
    /// The lines of a profile.
    static let profileForms: [Form<InitProfile>] = [
        Form(
            "command COMMAND",
            "The command line of PID 1; a program with a relative path counts from the profile's file. `{command}` stands for its child's command, `{services}` for what "
                + "`service-arguments` makes of each service, `{names}` for the services' names.",
            once: true, example: ""
        ) { $0.command = $1.texts(0) },
        Form(
            "service-arguments COMMAND",
            "What stands for one service in place of `{services}`: `{name}`, `{after}` (comma-separated) and `{command}`.",
            once: true, example: ""
        ) { $0.serviceArguments = $1.texts(0) },
        Form("package WORD", "The package that has it, as Debian and Ubuntu call it.", once: true, example: "") {
            $0.package = $1.text(0)
        },
        Form(
            "needs NAMES", "Programs, by name or path, without which it is not installed, besides that of `command`.",
            example: ""
        ) { $0.programs += $1.texts(0) },
        Form("version COMMAND", "A command line that prints its version.", once: true, example: "") {
            $0.version = $1.texts(0)
        },
        Form("abilities ABILITIES", "What it can do.", example: "") {
            $0.abilities.formUnion($1.texts(0).compactMap(Ability.init(rawValue:)))
        },
        Form("stop signal SIGNAL", "The signal that asks it to end.", otherwise: "SIGTERM", once: true, example: "") {
            $0.stopSignal = $1.signal(0)
        },
        Form("env ASSIGNMENT", "A variable that it needs.", example: "") { $0.environment.append($1.text(0) ?? "") },
        Form("tmpfs PATHS", "File systems in memory that it needs.", example: "") { $0.tmpfs += $1.texts(0) },
        Form(
            "cgroup ACCESS", "How it needs /sys/fs/cgroup, where the scenario does not say.", once: true, example: ""
        ) { $0.cgroup = $1.text(0).flatMap(ContainerSettings.CgroupAccess.init(rawValue:)) },
        Form("terminal on", "It needs a terminal.", once: true, example: "") { profile, _ in
            profile.hasTerminal = true
        },
        Form("capability CAPABILITIES", "What it needs beyond Docker's default set.", example: "") {
            $0.capabilities += $1.texts(0).compactMap(Capability.init(rawValue:))
        },
        Form(
            "layer DIRECTORY",
            "A directory of the host that is laid over its root: for what would conflict with the host's own packages.",
            example: ""
        ) { $0.layers.append($1.text(0) ?? "") },
        Form(
            "injected on",
            "A runtime puts it before the command by itself, as `docker run --init` does, where the container has a PID namespace of its own.",
            once: true, example: ""
        ) { profile, _ in profile.isInjected = true },
        Form(
            "known failure NAMES [because TEXT]",
            "Rows, or titles, of what it is known to fail, in whole or in part, and why. A run is green with them, and red when one of them passes.",
            example: ""
        ) { $0.knownFailures.append(KnownFailure(rows: $1.texts(0), reason: $1.text(2) ?? "", place: .none)) },
        Form("unusable TEXT", "Why it cannot be run here: what was tried.", once: true, example: "") {
            $0.unusable = $1.text(0)
        },
        Form(
            "file PATH [mode MODE]",
            "A file that tells it what to do; its lines are in the block below, each after `| `. With `{name}` in its path there is "
                + "one for each service. In its text `{name}`, `{command}`, `{after}`, `{kind}`, `{pidfile}` and `{position}` stand for what "
                + "the service is, and in one that is there once `{names}` for all of them. A line with a place for which there is no value "
                + "is left out; for several values it is there several times. `{if KIND}` at its beginning: only for services of this kind.",
            example: ""
        ) {
            var file = File(path: $1.text(0) ?? "", text: "", place: .none)
            if let mode = $1.number(2) { file.mode = UInt16(mode) }
            $0.files.append(file)
        },
        Form(
            "each service adds to PATH",
            "Lines, in the block below, that are added to a `file` for each service, in the order in which they start.",
            example: ""
        ) { $0.additions.append(File(path: $1.text(0) ?? "", text: "", place: .none)) },
        Form("link PATH to WORD", "A symbolic link, for each service where `{name}` is in it.", example: "") {
            $0.links.append(Link(path: $1.text(0) ?? "", target: $1.text(1) ?? ""))
        },
    ]
}
