using UnityEngine;

namespace Genlock
{
    /// <summary>
    /// Something that knows where a part of the user is. All that are enabled on the GenlockClient's object or below it are
    /// asked each frame, in the order of the hierarchy; a later one may overwrite what an earlier one set. What is not tracked
    /// is to be left out. What one throws is told once a session, and the frame goes out without it.
    /// </summary>
    public abstract class GenlockTrackingSource : MonoBehaviour
    {
        /// <summary>Adds what is tracked now.</summary>
        /// <param name="frame">In the wire's coordinates: see <see cref="Coordinates"/>.</param>
        public abstract void Track(TrackingFrame frame);
    }
}
