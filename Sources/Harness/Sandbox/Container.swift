import Kernel
import Model
import Vocabulary

/// One container's world on the host: its layers, its cgroup, the socket that its services report to.
///
/// Belongs to the thread that made it: its mounts are in that thread's tree, and the death of that thread kills PID 1.
package final class Container {
    package let hostname: String
    /// Where services report; bound to `/.harness/services` inside.
    package let socket: ServiceSocket
    private let host: SandboxHost
    private let directory: String
    private let cgroup: Cgroup?
    private let settings: ContainerSettings
    private let standardInput: Descriptor

    /// The outside ends of a started container.
    package struct Started: ~Copyable {
        package let process: PIDDescriptor
        package let standardOutput: Descriptor
        package let standardError: Descriptor

        /// Takes it apart: each part gets an owner of its own.
        package consuming func parts<Result>(
            _ body: (consuming PIDDescriptor, consuming Descriptor, consuming Descriptor) -> Result
        ) -> Result {
            body(process, standardOutput, standardError)
        }
    }

    /// The search path of Docker's containers (moby, daemon/internal/system/path.go).
    package static let searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Makes the world, but starts nothing in it. The calling thread must have entered the host.
    ///
    /// - Throws: `SystemCallError`; what was made so far is gone then.
    package init(host: SandboxHost, settings: ContainerSettings) throws {
        let number = host.nextContainerNumber()
        self.host = host
        self.settings = settings
        hostname = settings.hostname ?? "c\(number)"
        directory = "\(host.directory)/\(number)"
        try Files.makeDirectory(directory)
        do {
            try Mount.mount(
                source: "harness", on: directory, type: "tmpfs", flags: [.noSetuid, .noDevices],
                data: "mode=755,size=\(SandboxHost.writableLayerLimitInBytes),nr_inodes=65536")
        } catch {
            try? Files.removeDirectory(directory)
            throw error
        }
        do {
            for name in ["upper", "work", "root", "control"] { try Files.makeDirectory("\(directory)/\(name)") }
            socket = try ServiceSocket(path: "\(directory)/control/services")
            standardInput = try Descriptor.open("/dev/null", .read)
            cgroup = try host.cgroupDirectory.map {
                try Cgroup(making: "\($0)/\(number)", processLimit: SandboxHost.processLimit)
            }
        } catch {
            try? Mount.detach(directory)
            try? Files.removeDirectory(directory)
            throw error
        }
    }

    /// Starts PID 1, and returns when it has exec'ed. Blocks the calling thread for as long.
    ///
    /// - Throws: `SpawnError`, when it could not be started; otherwise `SystemCallError` or `Errno`.
    package func start(
        _ command: [String], environment: [String], tmpfs: [String]
    ) throws -> Started {
        let output = try Pipe()
        let errorOutput = try Pipe()
        var members: Int32?
        let openMembers = try cgroup.map { try MembersFile($0) }
        if let openMembers { members = openMembers.descriptor.rawValue }
        let plan = SandboxPlan(
            SandboxPlan.Surroundings(
                lower: "/", upper: "\(directory)/upper", work: "\(directory)/work", root: "\(directory)/root",
                control: "\(directory)/control", fakeServices: "\(host.directory)/fake-services", hostname: hostname,
                membersDescriptor: members, parentDescriptor: host.ownDescriptor.descriptor.rawValue,
                standardInput: standardInput.rawValue, standardOutput: output.writeEnd.rawValue,
                standardError: errorOutput.writeEnd.rawValue, mountsCgroup2: host.hierarchy?.version == .version2),
            settings: settings, tmpfs: tmpfs)
        let variables = Container.merged(
            ["PATH=\(Container.searchPath)", "HOSTNAME=\(hostname)", "HOME=/root"] + environment)
        let path = variables.first { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? ""
        let process = try spawn(
            arguments: command, environment: variables, searchPath: String(path), namespaces: plan.namespaces,
            steps: plan.steps)
        return Started(
            process: process, standardOutput: output.takeReadEnd(), standardError: errorOutput.takeReadEnd())
    }

    /// Each variable once, with the last of its values: getenv(3) would take the first.
    private static func merged(_ variables: [String]) -> [String] {
        var result: [String] = []
        for variable in variables {
            let name = variable.prefix { $0 != "=" }
            result.removeAll { $0.prefix { $0 != "=" } == name }
            result.append(variable)
        }
        return result
    }

    /// Takes the world away. PID 1, if there was one, has been reaped.
    package func remove() {
        cgroup?.remove()
        try? Mount.detach(directory)
        try? Files.removeDirectory(directory)
    }

    /// Keeps the cgroup's member list open during a start.
    private final class MembersFile {
        let descriptor: Descriptor

        init(_ cgroup: Cgroup) throws {
            descriptor = try cgroup.openMembers()
        }
    }
}
