import Glibc
import Kernel
import Model
import Sandbox
import Vocabulary

/// What this machine has and lacks for running scenarios.
public struct Doctor: Sendable {
    /// Something that the machine has, or lacks.
    public struct Finding: Sendable {
        public let subject: String
        public let text: String
        /// Without it nothing runs; otherwise only less is seen or limited.
        public let isObstacle: Bool
    }

    /// In the order in which they are told.
    public private(set) var findings: [Finding] = []

    /// What scenarios may ask for and this machine does not have.
    public private(set) var lacks: [String] = []

    /// Whether scenarios can be run at all.
    public var canRun: Bool { !findings.contains { $0.isObstacle } }

    /// Looks, and tries: one container is started and stopped, and one for each init is asked for its version.
    public init(_ installation: Installation, profiles: [InitProfile]) {
        add(
            "kernel",
            Files.text(of: "/proc/sys/kernel/osrelease")?.split(separator: "\n").first.map(String.init) ?? "unknown")
        add("user", geteuid() == 0 ? "root" : "not root: run as root", isObstacle: geteuid() != 0)
        add("fakes", installation.fakeServices)
        add("scenarios", installation.scenarios ?? "none came with this executable")
        let installed = profiles.filter { $0.reasonNotInstalled == nil }
        var versions: [String: String] = [:]
        if canRun {
            versions = tryContainers(installation, installed)
            if !canRun { explainFailure() }
        }
        for profile in profiles {
            add("init", "\(profile.name): \(profile.reasonNotInstalled ?? versions[profile.name] ?? "installed")")
        }
    }

    /// Why no container starts, where that is known.
    private mutating func explainFailure() {
        let fileSystems = (Files.text(of: "/proc/filesystems") ?? "").split { $0.isWhitespace }
        if !fileSystems.contains("overlay") { add("overlay", "overlayfs is not loaded: modprobe overlay") }
    }

    private mutating func add(_ subject: String, _ text: String, isObstacle: Bool = false) {
        findings.append(Finding(subject: subject, text: text, isObstacle: isObstacle))
    }

    /// - Returns: what the inits call their versions.
    private mutating func tryContainers(_ installation: Installation, _ profiles: [InitProfile]) -> [String: String] {
        do {
            let session = try Session(fakeServices: installation.fakeServices)
            defer { session.close() }
            add("witness", session.witness.description)
            if !session.witness.seesSignals { lacks.append("witness") }
            for ability in session.host.cgroups.abilities {
                add(ability.subject, ability.text)
                if ability.isMissing { lacks.append(ability.subject) }
            }
            if let words = session.wordsOfLeftovers { add("leftovers", words) }
            let place = SourcePlace(file: "doctor", line: 1, column: 1)
            var scenario = Scenario(title: "a container starts and stops", place: place)
            scenario.services = [Service(name: "app", place: place)]
            scenario.steps = [
                Step(.start, place: place),
                Step(.expect(Expectation(.ready([.service("app")]), within: .seconds(5))), place: place),
                Step(.stop(grace: nil), place: place), Step(.expect(Expectation(.exitCode(0))), place: place),
            ]
            let result = try session.run([Session.Job(scenario, .none)], atOnce: 1).first
            switch result?.verdict {
            case .passed, .flaky: add("container", "started and stopped in \(result?.duration.rounded ?? "?")")
            case .failed(let failures):
                add("container", failures.map(\.observed).joined(separator: "; "), isObstacle: true)
            case .error(let reason), .notApplicable(let reason): add("container", reason, isObstacle: true)
            case nil: add("container", "no result", isObstacle: true)
            }
            if canRun { return try session.versions(of: profiles) }
        } catch let error as CannotRun {
            add("container", "\(error.reason): \(error.remedy)", isObstacle: true)
        } catch {
            add("container", "\(error)", isObstacle: true)
        }
        return [:]
    }
}
