import Vocabulary

/// A process that the init is to start and look after.
public struct Service: Hashable, Sendable {
    public var name: String
    /// The services that it comes after, by name.
    public var after: [String] = []
    public var traits: [Trait] = []
    public var place: SourcePlace

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
        case spawns(count: Int, ownSession: Bool)
        case leavesOrphans(count: Int, living: Duration)
        case leavesZombies(count: Int)
        case runs([String])
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
