import Glibc
import Kernel
import TestSupport
import Testing
import Vocabulary

/// What a run changes in a hierarchy of version 2 that is not its own. As in a container with a cgroup namespace of its own, whose mount point has
/// members and only looks like a root. The controller is one that a machine with both versions has in the second.
@Suite("Controllers that are handed on", .serialized, .timeLimit(.minutes(2)))
struct CgroupTestsSerial {
    private static let controller = "hugetlb"

    /// A cgroup with a process in it, as the body finds it; nothing is left of either.
    private static func withMembers(_ body: (CgroupHierarchy, ProcessID) throws -> Void) throws {
        guard let root = CgroupHierarchy.unified(), root.isRoot, root.controllers.contains(controller) else { return }
        let control = root.directory + "/cgroup.subtree_control"
        let wasHandedOn = root.delegated.contains(controller)
        try Files.write("+\(controller)", to: control)
        let directory = root.directory + "/test-members"
        try Files.makeDirectory(directory)
        let idler = try Idler()
        let pid = idler.process.pid
        defer {
            try? Files.write("\(pid)", to: root.directory + "/cgroup.procs")
            try? Files.removeDirectory(directory)
            if !wasHandedOn { try? Files.write("-\(controller)", to: control) }
        }
        try Files.write("\(pid)", to: directory + "/cgroup.procs")
        try body(CgroupHierarchy(directory: directory, version: .version2, controllers: [controller]), pid)
        withExtendedLifetime(idler.process.pid) {}
    }

    private static func members(_ directory: String) -> String { Files.text(of: directory + "/cgroup.procs") ?? "none" }

    @Test func whatIsInTheWayIsMovedAndComesBack() async throws {
        try await blocking {
            try Self.withMembers { hierarchy, pid in
                #expect(!hierarchy.isRoot)
                #expect(hierarchy.isDomain)
                let delegation = try #require(CgroupDelegation(hierarchy, wanted: [Self.controller]))
                do {
                    let ownGuard = try Guard(
                        cgroups: [], instances: nil, instance: nil, runDirectory: nil, delegation: delegation)
                    var lock: Claim? = try delegation.begin()
                    #expect(hierarchy.delegated == [Self.controller])
                    #expect(Self.members(hierarchy.directory) == "")
                    // Containers can be made, and are no invalid domains.
                    let container = try Cgroup(making: hierarchy.directory + "/container", limits: [])
                    #expect(Files.text(of: hierarchy.directory + "/container/cgroup.type") == "domain\n")
                    #expect(container.remove())

                    // Another run beside it: as long as one needs it, it stays.
                    let second = try #require(CgroupDelegation(hierarchy, wanted: [Self.controller]))
                    do {
                        let secondGuard = try Guard(
                            cgroups: [], instances: nil, instance: nil, runDirectory: nil, delegation: second)
                        var secondLock: Claim? = try second.begin()
                        secondLock = nil
                        _ = consume secondGuard
                        withExtendedLifetime(secondLock) {}
                    }
                    #expect(hierarchy.delegated == [Self.controller])
                    lock = nil
                    _ = consume ownGuard
                    withExtendedLifetime(lock) {}
                }
                #expect(hierarchy.delegated == [])
                #expect(Self.members(hierarchy.directory) == "\(pid)\n")
                #expect(
                    Files.names(in: hierarchy.directory).filter { Files.isDirectory("\(hierarchy.directory)/\($0)") }
                        == [])
            }
        }
    }

    /// What is handed on already is left alone.
    @Test func whatIsThereIsNotChanged() async throws {
        try await blocking {
            guard let root = CgroupHierarchy.unified(), root.controllers.contains(Self.controller) else { return }
            let before = root.delegated
            try Files.write("+\(Self.controller)", to: root.directory + "/cgroup.subtree_control")
            #expect(CgroupDelegation(root, wanted: [Self.controller]).map { _ in true } == nil)
            #expect(CgroupDelegation(root, wanted: ["no such controller"]).map { _ in true } == nil)
            if !before.contains(Self.controller) {
                try Files.write("-\(Self.controller)", to: root.directory + "/cgroup.subtree_control")
            }
        }
    }
}
