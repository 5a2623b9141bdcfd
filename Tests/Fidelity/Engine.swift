import Foundation
import Glibc
import Harness
import TestSupport

/// A real engine, driven through its own command line.
final class Engine: @unchecked Sendable {
    let runtime: Runtime
    private let prefix: [String]
    private let runOptions: [String]
    /// What the engine keeps, on a file system of its own; nil: where it usually does.
    private let directory: String
    private var daemon: Command?
    private let isLiveRestored: Bool

    /// The image: a root without programs, in which those of the host are seen.
    static let image = "harness-fidelity:1"

    struct Unavailable: Error {
        let reason: String
    }

    init(_ runtime: Runtime, isLiveRestored: Bool = false) throws {
        self.runtime = runtime
        self.isLiveRestored = isLiveRestored
        directory = "/run/harness-fidelity-\(getpid())-\(runtime.rawValue)\(isLiveRestored ? "-live" : "")"
        let socket = "unix://\(directory)/engine.sock"
        switch runtime {
        case .docker:
            prefix = ["docker", "-H", socket]
            runOptions = []
        default:
            prefix = [
                "podman", "--runtime", "runc", "--root", "\(directory)/data", "--runroot", "\(directory)/run",
                "--cgroup-manager", "cgroupfs", "--events-backend", "file",
            ]
            // A root that may not raise limits cannot ask for Podman's own.
            runOptions = [
                "--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000", "--cap-drop", "SYS_RESOURCE",
            ]
        }
        guard Engine.isInstalled(runtime == .docker ? "dockerd" : "podman") else {
            throw Unavailable(reason: "\(runtime.rawValue) is not installed")
        }
        _ = try Engine.run(["mkdir", "-p", directory])
        _ = try Engine.run(["mount", "-t", "tmpfs", "-o", "mode=700", "harness-fidelity", directory])
        if runtime == .docker { try startDaemon() }
        try makeImage()
    }

    private static func isInstalled(_ program: String) -> Bool {
        ["/usr/bin/", "/usr/sbin/", "/usr/local/bin/"].contains { access($0 + program, X_OK) == 0 }
    }

    static func run(_ arguments: [String]) throws -> Command.Outcome { try Command(arguments).finish() }

    /// The engine's command with these arguments.
    func ask(_ arguments: String...) throws -> Command.Outcome { try ask(arguments) }
    func ask(_ arguments: [String]) throws -> Command.Outcome { try Engine.run(prefix + arguments) }

    /// The same, which is not waited for.
    func begin(_ arguments: [String]) throws -> Command { try Command(prefix + arguments) }

    var version: String { (try? ask("version", "--format", "{{.Server.Version}}").output.trimmed) ?? "" }

    func create(_ name: String, _ options: [String], _ command: [String]) throws -> Command.Outcome {
        try ask(["create", "--name", name, "--network", "none"] + runOptions + options + [Engine.image] + command)
    }

    // MARK: - The daemon

    func startDaemon() throws {
        guard runtime == .docker else { return }
        daemon = try Command(
            [
                "sh", "-c", "exec \"$@\" >> \(directory)/log 2>&1", "dockerd", "dockerd", "--bridge=none",
                "--iptables=false", "--ip6tables=false", "--data-root", "\(directory)/data", "--exec-root",
                "\(directory)/exec", "--pidfile", "\(directory)/pid", "-H", "unix://\(directory)/engine.sock",
            ] + (isLiveRestored ? ["--live-restore"] : []))
        for _ in 0..<300 {
            if try ask("version", "--format", "{{.Server.Version}}").status == .exited(0) { return }
            usleep(100_000)
        }
        throw Unavailable(reason: "dockerd does not answer: see \(directory)/log")
    }

    func stopDaemon(with signal: Int32) throws {
        guard let daemon else { return }
        kill(daemon.pid, signal)
        _ = try daemon.finish()
        self.daemon = nil
        // What a killed daemon leaves keeps the next from its socket.
        if signal == SIGKILL {
            _ = try Engine.run(["rm", "-f", "\(directory)/pid", "\(directory)/exec/containerd/containerd.pid"])
        }
    }

    private func makeImage() throws {
        let root = "\(directory)/root"
        let script = """
            mkdir -p \(root) && cd \(root) && mkdir -p usr etc proc sys dev run tmp root var/log var/lib var/tmp srv opt home mnt .harness data &&
            chmod 1777 tmp && for name in bin sbin lib lib64; do ln -s usr/$name $name; done &&
            echo 'root:x:0:0:root:/root:/bin/sh' > etc/passwd
            """
        _ = try Engine.run(["sh", "-c", script])
        let import_ = "tar -C \(root) -c . | " + prefix.joined(separator: " ") + " import - \(Engine.image)"
        let outcome = try Engine.run(["sh", "-c", import_])
        if outcome.status != .exited(0) { throw Unavailable(reason: "no image: \(outcome.errors)") }
    }

    /// Stops it, and takes away everything that it has made.
    func close() {
        if let names = try? ask("ps", "-aq").output.split(separator: "\n").map(String.init), !names.isEmpty {
            _ = try? ask(["rm", "-f", "-v"] + names)
        }
        try? stopDaemon(with: SIGTERM)
        for _ in 0..<50 {
            let mounts = (try? String(contentsOfFile: "/proc/mounts", encoding: .utf8)) ?? ""
            let own = mounts.split(separator: "\n").compactMap { line -> String? in
                let path = String(line.split(separator: " ")[1])
                return path.hasPrefix(directory) ? path : nil
            }
            if own.isEmpty { break }
            for path in own.reversed() { _ = try? Engine.run(["umount", "-l", path]) }
        }
        _ = try? Engine.run(["rm", "-rf", directory])
    }
}

extension String {
    var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
