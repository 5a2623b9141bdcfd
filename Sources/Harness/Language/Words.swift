/// The words of the language, by where they may stand: what is parsed, what is suggested, what is documented.
enum Words {
    /// What there is.
    static let setup = ["tags", "requires", "runtime", "stop signal", "hostname", "env", "tmpfs", "command", "service"]
    /// How a service behaves.
    static let behaviour = ["ready", "stop", "ignores", "exits", "dies", "spawns", "leaves", "runs"]
    /// What happens, and what must be so.
    static let steps = ["start", "stop", "kill", "signal", "crash", "wait", "expect"]
    /// How a condition begins, or goes on behind the names of services.
    static let conditions = [
        "ready", "stopped", "received", "killed", "nobody", "exit", "zombies", "orphans", "processes", "state",
        "output",
        "stop", "no",
    ]
    static let profile = ["command", "service-arguments", "package", "version", "abilities", "stop", "env", "tmpfs"]

    /// Words of the vocabulary that this version understands but cannot carry out.
    static let notYetSetup: Set<String> = [
        "restart", "volume", "cgroup", "terminal", "user", "rootfs", "pids", "memory", "pre-stop", "file", "entrypoint",
    ]
    static let notYetBehaviour: Set<String> = ["forks", "notifies", "oneshot", "writes", "entrypoint"]
    static let notYetSteps: Set<String> = [
        "restart", "recreate", "remove", "pause", "resume", "orphan", "exec", "repeat", "sweep",
    ]
    static let notYetConditions: Set<String> = ["restarts", "restart", "marker", "file", "initialised", "step", "data"]
    static let notYetRuntimes: Set<String> = ["podman", "compose", "kubernetes", "nspawn"]
}
