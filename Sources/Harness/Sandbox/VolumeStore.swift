import Kernel
import Model

/// The volumes of one scenario: they outlive its containers.
///
/// Belongs to the thread that made it: they are in a file system of that thread's mount tree.
package final class VolumeStore {
    package let volumes: [Volume]
    let directory: String
    /// Those that no container has had yet, by name.
    private var fresh: Set<String>
    private var removedCount = 0

    /// - Throws: `SystemCallError`; what was made so far is gone then.
    package init(host: SandboxHost, _ volumes: [Volume]) throws {
        self.volumes = volumes
        fresh = Set(volumes.map(\.name))
        directory = "\(host.directory)/volumes-\(host.nextContainerNumber())"
        try Files.makeDirectory(directory)
        do {
            try Mount.mount(
                source: "harness", on: directory, type: "tmpfs", flags: [.noSetuid, .noDevices],
                data: "mode=700,size=\(SandboxHost.writableLayerLimitInBytes),nr_inodes=65536")
            for volume in volumes { try Files.makeDirectory(path(volume)) }
        } catch {
            remove()
            throw error
        }
    }

    private func path(_ volume: Volume) -> String { "\(directory)/\(volume.name)" }

    /// Whether a file of this path is on a volume.
    func holds(_ path: String) -> Bool { volumes.contains { Self.isBelow(path, $0.path) } }

    private static func isBelow(_ path: String, _ directory: String) -> Bool {
        path.split(separator: "/").starts(with: directory.split(separator: "/"))
    }

    /// Whether a file of this path is on a volume that no container has had yet.
    func isFresh(_ path: String) -> Bool {
        volumes.contains { fresh.contains($0.name) && Self.isBelow(path, $0.path) }
    }

    /// A container has them from here on.
    func use() { fresh = [] }

    /// Empties one, as if it were new.
    ///
    /// - Throws: `SystemCallError`.
    package func empty(_ name: String) throws {
        guard let volume = volumes.first(where: { $0.name == name }) else { return }
        // Out of the way is enough: nobody can get there, and it goes with the rest.
        removedCount += 1
        try Files.move(path(volume), to: "\(directory)/.removed-\(removedCount)")
        try Files.makeDirectory(path(volume))
        fresh.insert(name)
    }

    /// Takes them away, with everything in them.
    package func remove() {
        try? Mount.detach(directory)
        try? Files.removeDirectory(directory)
    }
}
