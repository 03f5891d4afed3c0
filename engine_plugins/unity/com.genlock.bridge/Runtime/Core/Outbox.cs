using System.Collections.Generic;
using System.Threading.Tasks;

namespace Genlock
{
    /// <summary>What came back for a message with an id.</summary>
    internal sealed class Reply
    {
        internal Ack Ack;
        internal List<GenlockAction> Actions = new List<GenlockAction>();
        internal List<Notice> Notices = new List<Notice>();
    }

    /// <summary>A message with an id that is kept until it is answered.</summary>
    internal sealed class Parcel
    {
        internal string Id;
        internal byte[] Bytes;

        /// <summary>Of a scene: what it does; else null.</summary>
        internal SceneEdit Edit;

        internal bool IsSent;

        /// <summary>When it may be sent, microseconds; later than now after the daemon had too many of its kind.</summary>
        internal long DueAt;

        internal Reply Reply = new Reply();
        internal TaskCompletionSource<Reply> Answered = new TaskCompletionSource<Reply>();
    }

    /// <summary>
    /// The messages that must not be lost, in their order. A few at a time are on their way, so that a long list of them after
    /// a drop is no flood.
    /// </summary>
    internal sealed class Outbox
    {
        internal const int Window = 16;
        internal const int Longest = 4096;

        private readonly List<Parcel> _parcels = new List<Parcel>();

        internal int Count
        {
            get { return _parcels.Count; }
        }

        internal void Add(Parcel parcel)
        {
            if (_parcels.Count >= Longest)
            {
                throw new GenlockException(
                    ErrorCodes.Flooding, Longest + " messages wait for the daemon; it has not answered for long");
            }
            _parcels.Add(parcel);
        }

        internal void AddFirst(Parcel parcel)
        {
            _parcels.Insert(0, parcel);
        }

        /// <summary>The next to send, which counts as sent then; null: none now.</summary>
        internal Parcel NextDue(long now)
        {
            var under = 0;
            for (var i = 0; i < _parcels.Count && under < Window; i++)
            {
                var parcel = _parcels[i];
                if (!parcel.IsSent)
                {
                    // Those behind it wait too: their order is kept.
                    if (parcel.DueAt > now)
                    {
                        return null;
                    }
                    parcel.IsSent = true;
                    return parcel;
                }
                under++;
            }
            return null;
        }

        /// <summary>All are to be sent again, in their order.</summary>
        internal void SendAgain()
        {
            foreach (var parcel in _parcels)
            {
                parcel.IsSent = false;
                parcel.DueAt = 0;
            }
        }

        internal Parcel Find(string id)
        {
            if (string.IsNullOrEmpty(id))
            {
                return null;
            }
            for (var i = 0; i < _parcels.Count; i++)
            {
                if (_parcels[i].Id == id)
                {
                    return _parcels[i];
                }
            }
            return null;
        }

        internal void Remove(Parcel parcel)
        {
            _parcels.Remove(parcel);
        }

        /// <summary>Takes all out.</summary>
        internal List<Parcel> TakeAll()
        {
            var all = new List<Parcel>(_parcels);
            _parcels.Clear();
            return all;
        }

        /// <summary>Takes all scenes out.</summary>
        internal List<Parcel> TakeScenes()
        {
            var scenes = _parcels.FindAll(IsScene);
            _parcels.RemoveAll(IsScene);
            return scenes;
        }

        /// <summary>Takes those out whose action was performed already, though the acknowledgement did not come.</summary>
        internal List<Parcel> TakeDone()
        {
            var done = _parcels.FindAll(IsDone);
            _parcels.RemoveAll(IsDone);
            return done;
        }

        private static bool IsDone(Parcel parcel)
        {
            return parcel.Reply.Actions.Exists(action => action.Phase == ActionPhase.Performed);
        }

        private static bool IsScene(Parcel parcel)
        {
            return parcel.Edit != null;
        }
    }
}
