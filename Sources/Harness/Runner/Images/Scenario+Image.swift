import Import
import Kernel
import Model
import Sandbox
import Vocabulary

extension Session {
    /// A job whose images have been unpacked.
    func withImages(_ job: Job) throws(CannotRun) -> Job {
        let isWanted =
            job.scenario.settings.image != nil || job.scenario.members.contains { $0.scenario.settings.image != nil }
        if !isWanted { return job }
        return Job(
            sped: try withImages(job.scenario), job.profile, speed: job.speed, runtime: job.runtime, rules: job.rules,
            appointment: job.appointment)
    }

    /// A scenario whose images have been unpacked, and which says what its images say where it says nothing itself. Blocks meanwhile.
    ///
    /// - Throws: `CannotRun`.
    package func withImages(_ scenario: Scenario) throws(CannotRun) -> Scenario {
        var result = scenario
        for index in result.members.indices {
            var member = result.members[index].scenario
            member.runtime = member.runtime ?? scenario.runtime
            let loaded = try withImages(member)
            result.members[index].scenario = loaded
            result.members[index].scenario.runtime = scenario.members[index].scenario.runtime
        }
        guard let name = scenario.settings.image, scenario.settings.imageLayers.isEmpty else { return result }
        let isEngines = ["docker:", "podman:"].contains { name.hasPrefix($0) }
        let folder = scenario.place.file.lastIndex(of: "/").map { String(scenario.place.file[...$0]) } ?? ""
        let image = try images.load(isEngines || name.hasPrefix("/") ? name : folder + name, in: self)
        try result.take(image)
        return result
    }
}

extension Scenario {
    /// A place of a volume or a tmpfs that hides what every container has; nil: there is none.
    package var placeOfTheKernel: String? {
        (settings.volumes.map(\.path) + settings.tmpfs).first { path in
            ["/proc", "/sys", "/dev", "/.harness"].contains(path) || path.hasPrefix("/proc/")
                || path.hasPrefix("/.harness/")
        }
    }

    /// What an image says of its containers, where the scenario does not, as Docker does it.
    ///
    /// - Throws: `CannotRun`, as Docker would refuse it.
    mutating func take(_ image: LoadedImage) throws(CannotRun) {
        let configuration = image.configuration
        settings.imageLayers = image.layers
        settings.environment = configuration.environment + settings.environment
        settings.workingDirectory = settings.workingDirectory ?? configuration.workingDirectory
        stop.signal = stop.signal ?? configuration.stopSignal
        if settings.payload == nil, services.isEmpty {
            let command = configuration.entrypoint + (settings.arguments ?? configuration.command)
            if command.isEmpty {
                throw CannotRun(reason: "\(image.name) does not say what to run", remedy: "name a command")
            }
            settings.payload = .command(command)
        }
        // Kubernetes and nspawn do not look at it.
        if runtime != .kubernetes, runtime != .nspawn, !hasNoHealthCheck {
            healthCheck = healthCheck ?? configuration.healthCheck
        }
        if settings.user == nil, !configuration.user.isEmpty {
            try setUser(configuration.user, in: Accounts(LayeredTree(image.layers)))
        }
        if settings.workingDirectory == "/" { settings.workingDirectory = nil }
        let mounted = Set(settings.volumes.map(\.path) + settings.tmpfs)
        for (number, path) in configuration.volumes.enumerated() where !mounted.contains(path) && path != "/" {
            settings.volumes.append(Volume(name: "image-\(number + 1)", path: path, place: place))
        }
    }

    /// Who PID 1 is, and where its home is.
    ///
    /// - Throws: `CannotRun`, where Docker finds no such user.
    package mutating func setUser(_ text: String, in accounts: Accounts) throws(CannotRun) {
        let found = try accounts.user(text)
        settings.user = found.owner
        if !settings.environment.contains(where: { $0.hasPrefix("HOME=") }) {
            settings.environment.insert("HOME=\(found.home)", at: 0)
        }
    }
}

/// The users and groups of a root file system, as its /etc/passwd and /etc/group have them.
package struct Accounts: Sendable {
    private let users, groups: [[String]]

    /// - Parameter scenario: whose root it is.
    /// - Throws: `CannotRun`: its root is not there.
    package init(of scenario: Scenario) throws(CannotRun) {
        do {
            self.init(try scenario.root())
        } catch let error as CannotRun {
            throw error
        } catch {
            throw CannotRun(error)
        }
    }

    init(_ root: LayeredTree) {
        func entries(_ path: String) -> [[String]] {
            guard let file = root.find(path), let size = Files.sizeOfRegularFile(file), size < 16 << 20,
                let bytes = try? Files.bytes(of: file)
            else { return [] }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
                line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            }
        }
        users = entries("/etc/passwd")
        groups = entries("/etc/group")
    }

    /// `USER[:GROUP]`, each by name or number (moby, daemon/exec_linux.go; runc, libcontainer/user).
    ///
    /// - Throws: `CannotRun`, where there is none of this name.
    package func user(_ text: String) throws(CannotRun) -> (owner: Owner, home: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let account = users.first { $0.count > 5 && ($0[0] == parts[0] || $0[2] == parts[0]) }
        guard let number = account.flatMap({ UInt32($0[2]) }) ?? UInt32(parts[0]) else {
            throw CannotRun(
                reason: "unable to find user \(parts[0]): it is not in /etc/passwd, and Docker does not start this",
                remedy: "")
        }
        var group = account.flatMap { UInt32($0[3]) } ?? 0
        if parts.count > 1, !parts[1].isEmpty {
            let named = groups.first { $0.count > 2 && $0[0] == parts[1] }
            guard let found = named.flatMap({ UInt32($0[2]) }) ?? UInt32(parts[1]) else {
                throw CannotRun(reason: "unable to find group \(parts[1]): it is not in /etc/group", remedy: "")
            }
            group = found
        }
        return (Owner(user: number, group: group), account.map { $0[5] } ?? "/")
    }
}
