import Model
import Reports
import Vocabulary

/// Something that may be wrong with a container that does not stay up: what makes one think of it, and the experiment that shows it.
struct Hypothesis {
    let cause: Diagnosis.Cause
    /// What is so, in one sentence.
    let what: String
    let remedy: String
    /// What is changed, as the evidence says it: "with /sys/fs/cgroup to write to".
    let change: String
    /// Words that make it likelier; they prove nothing, and only say what is tried first.
    let words: [String]
    /// Changes the one thing.
    let apply: (inout Scenario, inout InitProfile) -> Void
    /// How many starts the experiment needs.
    var starts = 1
    /// Whether the changed container shows it; as a rule by staying up.
    var isShown: (Diagnoser.Observation) -> Bool = { $0.isStable }

    /// How much of what was printed points to it.
    func suspicion(in lines: [String]) -> Int {
        let text = lines.map { $0.lowercased() }
        return words.count { word in text.contains { $0.contains(word) } }
    }
}

extension Hypothesis {
    /// Those that can be tried on a container, the likeliest kind first.
    static func all(for scenario: Scenario, _ profile: InitProfile, _ seen: Diagnoser.Observation) -> [Hypothesis] {
        [leftovers(scenario, seen), markers(seen), surroundings(scenario, profile), mounts(scenario), rights(scenario)]
            .flatMap(\.self)
    }

    /// PID 1's place, its input, its terminal, its control group, its /run.
    private static func surroundings(_ scenario: Scenario, _ profile: InitProfile) -> [Hypothesis] {
        let settings = scenario.settings
        var result: [Hypothesis] = []
        if profile.name != "none" {
            result.append(
                Hypothesis(
                    cause: .insistsOnBeingFirst, what: "it insists on being PID 1, and is not",
                    remedy: "no init in front of it (no --init), and exec in the entrypoint",
                    change: "without the init in front of it", words: ["pid 1", "process 1"],
                    apply: { _, profile in profile = .none }))
        }
        let cgroup = Hypothesis(
            cause: .noControlGroup,
            what: "it needs control groups at /sys/fs/cgroup, and has none that it can write to",
            remedy: "--cgroup rw (docker run: --cgroupns=private -v /sys/fs/cgroup:/sys/fs/cgroup:rw)",
            change: "with /sys/fs/cgroup to write to", words: ["/sys/fs/cgroup", "control group", "cgroup"],
            apply: { scenario, _ in scenario.settings.cgroup = .readWrite })
        let hasControlGroup = [.readWrite, .hostReadWrite, .hostReadOnly].contains(settings.cgroup)
        if !hasControlGroup { result.append(cgroup) }
        let missing = ["/run", "/run/lock"].filter { !settings.tmpfs.contains($0) }
        if !missing.isEmpty {
            let places = missing.joined(separator: " and ")
            result.append(
                Hypothesis(
                    cause: .noRunInMemory,
                    what: "it needs file systems in memory at \(places), and may not mount them itself",
                    remedy: missing.map { "--tmpfs \($0)" }.joined(separator: " "),
                    change: "with \(places) in memory", words: ["tmpfs at /run", "/run/lock"],
                    apply: { scenario, _ in scenario.settings.tmpfs += missing }))
            if !hasControlGroup {
                result.append(
                    Hypothesis(
                        cause: .noControlGroup,
                        what: "it needs control groups that it can write to, and \(places) in memory",
                        remedy: "--cgroup rw \(missing.map { "--tmpfs \($0)" }.joined(separator: " "))",
                        change: "with both /sys/fs/cgroup to write to and \(places) in memory",
                        words: ["/sys/fs/cgroup", "control group", "tmpfs at /run"],
                        apply: { scenario, profile in
                            cgroup.apply(&scenario, &profile)
                            scenario.settings.tmpfs += missing
                        }))
            }
        }
        if !settings.hasOpenInput, !settings.hasTerminal {
            result.append(
                Hypothesis(
                    cause: .endOfInput,
                    what: "it reads its standard input, which is at its end, and has nothing more to do",
                    remedy: "-i (an input that stays open), or -t (a terminal); or a command that does not read",
                    change: "with a standard input that stays open (-i)", words: ["end of file", "eof", "stdin"],
                    apply: { scenario, _ in scenario.settings.hasOpenInput = true }))
            result.append(
                Hypothesis(
                    cause: .needsTerminal, what: "it needs a terminal", remedy: "-t",
                    change: "with a terminal (-t)", words: ["not a tty", "terminal", "inappropriate ioctl"],
                    apply: { scenario, _ in scenario.settings.hasTerminal = true }))
        }
        return result
    }

    /// What a tmpfs hides or forbids, and what a limit takes.
    private static func mounts(_ scenario: Scenario) -> [Hypothesis] {
        var result: [Hypothesis] = []
        for path in scenario.settings.tmpfs {
            if scenario.settings.tmpfsOptions[path]?.isExecutable != true {
                result.append(
                    Hypothesis(
                        cause: .noExecTmpfs,
                        what: "it executes or maps programs on the tmpfs at \(path), which is noexec",
                        remedy: "--tmpfs \(path):exec", change: "with --tmpfs \(path):exec",
                        words: [path, "permission denied", "failed to map"],
                        apply: { scenario, _ in
                            scenario.settings.tmpfsOptions[path, default: TmpfsOptions()].isExecutable = true
                        }))
            }
            result.append(
                Hypothesis(
                    cause: .hiddenByMount,
                    what: "the tmpfs at \(path) hides what the image has there, and it needs that",
                    remedy: "no --tmpfs \(path), or what it needs made there by the entrypoint",
                    change: "without the tmpfs at \(path)", words: [path, "no such file or directory"],
                    apply: { scenario, _ in
                        scenario.settings.tmpfs.removeAll { $0 == path }
                        scenario.settings.tmpfsOptions[path] = nil
                    }))
        }
        for volume in scenario.settings.volumes where volume.isEmpty || volume.source != nil {
            result.append(
                Hypothesis(
                    cause: .hiddenByMount,
                    what: "the volume at \(volume.path) hides what the image has there, and it needs that",
                    remedy: "a volume that begins as the image's directory, or what it needs made by the entrypoint",
                    change: "without the volume at \(volume.path)", words: [volume.path, "no such file or directory"],
                    apply: { scenario, _ in scenario.settings.volumes.removeAll { $0.path == volume.path } }))
        }
        if let limit = scenario.settings.memoryLimit {
            result.append(
                Hypothesis(
                    cause: .outOfMemory, what: "it needs more memory than \(Spelling.size(limit))",
                    remedy: "a higher --memory", change: "without the limit on its memory",
                    words: ["memory", "killed", "oom"], apply: { scenario, _ in scenario.settings.memoryLimit = nil }))
        }
        return result
    }

    /// What a user may not do.
    private static func rights(_ scenario: Scenario) -> [Hypothesis] {
        guard let user = scenario.settings.user, user != .root else { return [] }
        var result = scenario.settings.volumes.map { volume in
            Hypothesis(
                cause: .volumeDenied, what: "as \(user) it may not write to the volume at \(volume.path)",
                remedy: "chown \(user) \(volume.path) before the user is changed, or another --user",
                change: "with the volume at \(volume.path) given to \(user)",
                words: [volume.path, "permission denied", "not permitted"],
                apply: { scenario, _ in
                    for index in scenario.settings.volumes.indices
                    where scenario.settings.volumes[index].path == volume.path {
                        scenario.settings.volumes[index].owner = user
                    }
                })
        }
        result.append(
            Hypothesis(
                cause: .userDenied, what: "as \(user) it lacks a right that it needs",
                remedy: "the files that it needs, owned by this user; or another --user", change: "as root",
                words: ["permission denied", "not permitted", "must be root"],
                apply: { scenario, _ in scenario.settings.user = nil }))
        return result
    }

    /// What an earlier life, or the image, has left: pid and lock files.
    private static func leftovers(_ scenario: Scenario, _ seen: Diagnoser.Observation) -> [Hypothesis] {
        let left = Set(seen.lives.flatMap { Array($0.files.keys) }.filter(isLeftover))
        let paths = left.union(Image(scenario).files(like: isLeftover)).sorted()
        if paths.isEmpty { return [] }
        let first = seen.lives.first?.end
        return [
            Hypothesis(
                cause: .stalePIDFile, what: "a pid or lock file that an earlier life has left keeps it from starting",
                remedy: "remove it at the start of the entrypoint, or --tmpfs where it is",
                change: "with \(paths.prefix(3).joined(separator: ", ")) removed before each start",
                words: ["already running", "pid file", "pidfile", "lock"],
                apply: { scenario, _ in scenario.settings.absentFiles += paths }, starts: 2,
                isShown: { changed in
                    if changed.isStable { return true }
                    // It ends as its first life did, not as the later ones.
                    guard seen.lives.count > 1, changed.lives.count > 1, let first, let later = seen.lives[1].end,
                        let now = changed.lives[1].end, first.status != later.status
                    else { return false }
                    return now.status == first.status
                })
        ]
    }

    /// A marker that the first life wrote, and whose work it did not do.
    private static func markers(_ seen: Diagnoser.Observation) -> [Hypothesis] {
        guard seen.lives.count > 1, let first = seen.lives.first else { return [] }
        let paths = first.files.filter { $0.value >= first.start && CauseSearch.isNamedAsMarker($0.key) }.keys.sorted()
        return paths.prefix(2).map { path in
            Hypothesis(
                cause: .markerFirst, what: "\(path) is written before the work is done",
                remedy: "the marker last, with a temporary file and mv",
                change: "with \(path) removed before each start",
                words: [path], apply: { scenario, _ in scenario.settings.absentFiles.append(path) }, starts: 3)
        }
    }

    private static func isLeftover(_ path: String) -> Bool {
        [".pid", ".lock", ".lck"].contains { path.hasSuffix($0) } || path.hasSuffix("/pid") || path.hasSuffix("/lock")
    }
}
