import Kernel
import Language
import Model
import Reports
import Vocabulary

/// What is carried out for one entry of the table.
struct CheckTask: Sendable {
    let item: CheckItem
    /// Empty: it cannot be asked, and `reason` says why.
    var scenarios: [Scenario] = []
    var reason = ""
    /// What is said where it is good or bad; empty: what was seen says enough.
    var note = ""
}

/// The scenarios of a check: of each entry of the table, what is done with the container and what must be so.
struct CheckPlan {
    /// The container; without steps.
    let container: Scenario
    let profile: InitProfile
    let look: Look
    /// The same with a terminal.
    let lookWithTerminal: Look?
    /// How many open files the kernel lets a process ask for.
    let fileLimit: Int
    /// How long it may take in all, about.
    let budget: Duration
    /// Where scenarios are written to; nil: nowhere.
    let folder: String?

    /// A user that nobody has an entry for, in the group that OpenShift gives.
    static let strangeUser = Owner(user: 1_000_650_000, group: 0)
    static let smallProcessLimit = 50
    static let smallMemoryInBytes = 128 << 20
    static let smallLayerInBytes = 256 << 10
    /// How many moments of the start a kill comes at.
    private static let killTimes = (most: 24, fewest: 8)
    /// Half a million descriptors closed one by one take a tenth of a second.
    private static let manyFiles = 500_000

    /// A helper that sleeps may be killed with PID 1; what has something to lose may not.
    private var expectStop: String {
        look.victims.isEmpty ? "expect no init killed" : "expect no init killed\nexpect nobody killed"
    }
    /// What is deaf to a stop is not waited for each time.
    private var quickly: String { " grace \(look.wasKilled ? "100ms" : "3s")" }
    private var wait: String { look.wait ?? "wait 1s" }

    func task(_ item: CheckItem) throws -> CheckTask {
        var task = CheckTask(item: item)
        switch item {
        case .start:
            task.scenarios = [try scenario(item, "start\n\(wait)\nexpect state running for 5s")]
            task.note = look.words
        case .stop:
            task.scenarios = [try scenario(item, "start\n\(wait)\nstop\n\(expectStop)")]
            task.note = look.victims.isEmpty ? "" : look.victims.prefix(2).joined(separator: "; ")
        case .stopBusy: try stopBusy(&task)
        case .status: try status(&task)
        case .stopEarly: try stopEarly(&task)
        case .orphans:
            task.scenarios = [
                try scenario(
                    item,
                    """
                    start
                    \(wait)
                    exec /.harness/fake-services orphans 3
                    expect exec exit 0
                    expect orphans reaped within 5s
                    expect no zombies
                    """)
            ]
        case .failure: try failure(&task)
        case .output: try output(&task)
        case .restarts:
            task.scenarios = [
                try scenario(
                    item,
                    "start\n\(wait)\nrepeat 10 times\n  restart\(quickly)\n  \(wait)\nexpect state running for 500ms")
            ]
        case .kill:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nkill\nstart\n\(wait)\nexpect state running for 500ms")
            ]
        case .killEarly: try killEarly(&task)
        case .recreate:
            task.scenarios = [
                try scenario(
                    item, "start\n\(wait)\nstop\(quickly)\nrecreate\nstart\n\(wait)\nexpect state running for 500ms")
            ]
            if container.settings.volumes.isEmpty { task.note = "it has no volume: all is new" }
        case .terminal:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms") { $0.hasTerminal.toggle() }
            ]
        case .readOnly:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms") { settings in
                    settings.hasReadOnlyRoot = true
                    for path in ["/tmp", "/run"] where !settings.covers(path) { settings.tmpfs.append(path) }
                }
            ]
            task.note = "with a tmpfs at /tmp and /run"
        case .user:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms") { $0.user = CheckPlan.strangeUser }
            ]
            task.note = "as \(CheckPlan.strangeUser)"
        case .processes:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms") {
                    $0.processLimit = CheckPlan.smallProcessLimit
                }
            ]
            task.note = "\(CheckPlan.smallProcessLimit)"
        case .memory:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms\nexpect nobody killed") {
                    $0.memoryLimit = CheckPlan.smallMemoryInBytes
                }
            ]
            task.note = Spelling.size(CheckPlan.smallMemoryInBytes)
        case .disk:
            // It works without writing, or it fails; what ends as if all were well has not seen it.
            task.scenarios = [
                try scenario(item, "start\nwait \(Look.settling(look.after * 2).text)\nexpect no exit 0 for 1s") {
                    $0.layerLimit = CheckPlan.smallLayerInBytes
                }
            ]
            task.note = "\(Spelling.size(CheckPlan.smallLayerInBytes)) free"
        case .files: try files(&task)
        case .runtimes where look.wasKilled || !look.victims.isEmpty:
            task.reason = "it is not stopped well by Docker either"
        case .runtimes:
            task.scenarios = try [Runtime.podman, .compose, .kubernetes].map { runtime in
                try scenario(
                    item, "start\n\(wait)\nstop\n\(expectStop)", named: " (\(runtime.rawValue))", runtime: runtime)
            }
        default: task.reason = "there is no such check"
        }
        return task
    }

    // MARK: - Those that depend on what was seen

    private func stopBusy(_ task: inout CheckTask) throws {
        guard let port = look.port else { return task.reason = "no port of it is open" }
        guard !look.wasKilled else { return task.reason = "it does not end without a client either" }
        task.scenarios = [
            try scenario(
                task.item,
                """
                start
                \(wait)
                exec /.harness/fake-services connect \(port)
                expect exec exit 0
                wait 300ms
                stop
                expect no init killed
                """)
        ]
        task.note = "to port \(port)"
    }

    private func status(_ task: inout CheckTask) throws {
        guard let code = look.code, !look.wasKilled else {
            return task.reason = "it had to be killed"
        }
        let own = 128 + Int((container.stop.signal ?? .term).rawValue)
        task.scenarios = [try scenario(task.item, "start\n\(wait)\nstop\nexpect exit \(code == own ? own : 0)")]
        task.note = "it ends with \(code)"
    }

    /// At a quarter, a half and three quarters of its start; what is there at once has no such moment.
    private func stopEarly(_ task: inout CheckTask) throws {
        guard look.after >= .milliseconds(100) else {
            return task.reason = "it is ready at once, after \(look.after.rounded)"
        }
        guard !look.wasKilled else { return task.reason = "it cannot be stopped later either" }
        task.scenarios = try [1, 2, 3].map { quarter in
            let time = Duration.milliseconds(max(20, (look.after * quarter / 4).inNanoseconds / 1_000_000))
            return try scenario(
                task.item, "start\nwait \(time.text)\nstop\nexpect no init killed",
                named: " (\(time.text) after the start)")
        }
    }

    private func failure(_ task: inout CheckTask) throws {
        guard look.programCount > 1 else {
            return task.reason = "PID 1 is the only process: its end is the container's"
        }
        task.scenarios = [
            try scenario(
                task.item,
                """
                start
                \(wait)
                exec /.harness/fake-services end-others
                expect no exit 0 for 3s
                """)
        ]
    }

    /// A line that comes with a terminal and does not without.
    private func output(_ task: inout CheckTask) throws {
        guard !container.settings.hasTerminal else { return task.reason = "it was asked for with a terminal" }
        guard let lookWithTerminal, lookWithTerminal.readiness.isReady else {
            return task.reason = "it does not start with a terminal, with which it would be compared"
        }
        let own = Set(look.printed)
        let stable = lookWithTerminal.printed.map { $0.replacing("\r", with: "") }.filter { line in
            !line.isEmpty && !line.contains { $0.isNumber } && !line.utf8.contains(0x1B)
        }
        guard let first = stable.first else { return task.reason = "it prints nothing that could be compared" }
        let late = stable.first { !own.contains($0) && look.printedLater.contains($0) }
        // A signal that ends it takes with it what it had not written.
        let lost = look.printed.isEmpty && look.printedLater.isEmpty ? first : nil
        guard let line = late ?? lost ?? stable.first(where: own.contains) else {
            return task.reason = "with a terminal it prints other lines"
        }
        task.scenarios = [
            try scenario(task.item, "start\n\(wait)\nexpect output contains \(Spelling.quoted(line)) within 1s")
        ]
    }

    private func killEarly(_ task: inout CheckTask) throws {
        let end = max(.milliseconds(50), look.after + .milliseconds(100))
        // Each takes about two starts, and the processors do some at once.
        let affordable = Int(budget / 2 / (end * 2)) * 2
        let count = min(CheckPlan.killTimes.most, max(CheckPlan.killTimes.fewest, affordable))
        let nanoseconds = end.inNanoseconds / Int64(count)
        let step = Duration.milliseconds(max(2, nanoseconds / 1_000_000))
        let last = step * (count - 1)
        task.scenarios = [
            try scenario(
                task.item,
                "sweep kill from 0s to \(last.text) step \(step.text)\n  start\n  start\n  \(wait)\n  expect state running for 300ms"
            )
        ]
        task.note = "every \(step.text) of its first \(last.text)"
    }

    private func files(_ task: inout CheckTask) throws {
        switch look.readiness {
        case .healthy, .port: break
        default: return task.reason = "nothing but quiet shows when it is ready"
        }
        guard fileLimit > CheckPlan.manyFiles else {
            return task.reason = "this machine's kernel allows \(fileLimit) at most (fs.nr_open)"
        }
        // Three times as long, and what a busy machine takes.
        let wait = look.wait(within: look.after * 3 + .seconds(2)) ?? wait
        task.scenarios = [
            try scenario(task.item, "start\n\(wait)\nexpect state running") { settings in
                settings.resourceLimits.append(ResourceLimit(.nofile, soft: UInt64(fileLimit), hard: UInt64(fileLimit)))
            }
        ]
        task.note = "\(fileLimit)"
    }

    // MARK: - Scenarios

    /// The container, and these steps; a text is what is carried out, so that it is what is written.
    private func scenario(
        _ item: CheckItem, _ steps: String, named suffix: String = "", runtime: Runtime? = nil,
        _ change: (inout ContainerSettings) -> Void = { _ in }
    ) throws -> Scenario {
        var own = container
        own.title = "\(item.id): \(item.title)\(suffix)"
        own.tags = ["check"]
        own.inits = [profile.name]
        own.runtime = runtime ?? container.runtime
        own.steps = []
        change(&own.settings)
        let setUp = own.text
        let text =
            (setUp.hasSuffix("\n") ? setUp : setUp + "\n") + "\n"
            + steps.split(separator: "\n").map { "  \($0)\n" }.joined()
        let parsed = parseScenarios(Array(text.utf8), file: (folder ?? "check") + "/\(item.id).scenario")
        if let problem = parsed.diagnostics.first(where: { $0.severity == .error }) {
            throw CannotRun(reason: "what it is made with cannot be a scenario: \(problem.message)", remedy: "")
        }
        guard var result = parsed.values.first else { throw CannotRun(reason: "no scenario comes of it", remedy: "") }
        result.settings.imageLayers = own.settings.imageLayers
        return result
    }
}

extension ContainerSettings {
    /// Whether a path is on a volume or a tmpfs.
    fileprivate func covers(_ path: String) -> Bool { tmpfs.contains(path) || volumes.contains { $0.path == path } }
}

extension Look.Readiness {
    var isReady: Bool {
        switch self {
        case .healthy, .port, .quiet, .busy: true
        case .never, .unhealthy: false
        }
    }
}
