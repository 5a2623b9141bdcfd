import Vocabulary

/// A process that the init is to start and look after.
public struct Service: Hashable, Sendable {
    public var name: String
    /// The services that it comes after, by name.
    public var after: [String] = []
    public var traits: [Trait] = []
    @Incidental public var place: SourcePlace

    public init(name: String, after: [String] = [], traits: [Trait] = [], place: SourcePlace) {
        self.name = name
        self.after = after
        self.traits = traits
        self.place = place
    }

    /// One line about how it behaves.
    public enum Trait: Hashable, Sendable {
        case readyAfter(Duration)
        case stopTakes(Duration)
        case ignores([Signal])
        case exitsAfter(code: Int32, Duration)
        case exitsOn(code: Int32, Signal)
        case diesOf(Signal, after: Duration)
        /// It leaves a daemon in its place, whose number it writes there, and exits (systemd's Type=forking).
        case forks(pidFile: String)
        /// It says that it is ready over sd_notify(3).
        case notifies
        /// It does its work and exits.
        case oneshot
        case spawns(count: Int, ownSession: Bool)
        case leavesOrphans(count: Int, living: Duration)
        case leavesZombies(count: Int)
        /// A file that is dirty while it runs, and clean after an orderly stop.
        case writes(data: String)
        case runs([String])
    }

    /// What an init has to know of how it starts, in systemd's words.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// It stays in the foreground.
        case simple
        /// It leaves a daemon in its place.
        case forking
        /// It says when it is ready.
        case notify
        /// It does its work and exits.
        case oneshot
    }

    public var kind: Kind {
        for trait in traits {
            switch trait {
            case .forks: return .forking
            case .notifies: return .notify
            case .oneshot: return .oneshot
            default: continue
            }
        }
        return .simple
    }

    /// Where the daemon's number is to be found.
    public var pidFile: String? {
        for case .forks(let path) in traits { return path }
        return nil
    }

    /// The real program that it runs in place of a fake, or nil.
    public var program: [String]? {
        for case .runs(let command) in traits { return command }
        return nil
    }

    /// How many named children it keeps: `NAME.1` to `NAME.count`.
    public var childCount: Int {
        for case .spawns(let count, _) in traits { return count }
        return 0
    }
}

extension Service.Trait {
    /// Whether only one of the two can be said of a service.
    public func excludes(_ other: Service.Trait) -> Bool {
        switch (self, other) {
        case (.readyAfter, .readyAfter), (.stopTakes, .stopTakes), (.spawns, .spawns), (.leavesOrphans, .leavesOrphans),
            (.leavesZombies, .leavesZombies), (.exitsAfter, .exitsAfter), (.exitsAfter, .diesOf),
            (.diesOf, .exitsAfter),
            (.diesOf, .diesOf), (.forks, .forks), (.notifies, .notifies), (.oneshot, .oneshot), (.forks, .notifies),
            (.notifies, .forks), (.forks, .oneshot), (.oneshot, .forks), (.runs, _), (_, .runs):
            true
        case (.exitsOn(_, let signal), .exitsOn(_, let again)): signal == again
        case (.exitsOn(_, let signal), .ignores(let ignored)), (.ignores(let ignored), .exitsOn(_, let signal)):
            ignored.contains(signal)
        case (.writes, .writes): true
        default: false
        }
    }
}
