using System;

namespace Genlock
{
    /// <summary>The parts of a frame, as bits in the order in which they lie in it.</summary>
    [Flags]
    public enum Parts
    {
        None = 0,
        Head = 1,
        Gaze = 2,
        LeftAim = 4,
        RightAim = 8,
        LeftGrip = 16,
        RightGrip = 32,
        LeftButtons = 64,
        RightButtons = 128,
        LeftHand = 256,
        RightHand = 512,
    }

    /// <summary>What is forecast, as bits.</summary>
    [Flags]
    public enum Devices
    {
        None = 0,
        Head = 1,
        LeftHand = 2,
        RightHand = 4,
    }

    /// <summary>
    /// A pose in the wire's coordinates, which are OpenXR's: right-handed, y up, -z ahead, metres, in the tracking space;
    /// the quaternion turns from the pose's own axes into the space's.
    /// </summary>
    public struct WirePose
    {
        public float X;
        public float Y;
        public float Z;
        public float Qx;
        public float Qy;
        public float Qz;
        public float Qw;

        public WirePose(float x, float y, float z, float qx, float qy, float qz, float qw)
        {
            X = x;
            Y = y;
            Z = z;
            Qx = qx;
            Qy = qy;
            Qz = qz;
            Qw = qw;
        }

        /// <summary>
        /// The same pose with z mirrored: from Unity's left-handed coordinates to the wire's, and from those to Unity's.
        /// </summary>
        public WirePose Mirrored()
        {
            return new WirePose(X, Y, -Z, -Qx, -Qy, Qz, Qw);
        }

        /// <summary>Whether a daemon would take it: finite, not further than 10 000 m, the quaternion nearly of unit length.</summary>
        public bool IsValid
        {
            get
            {
                var length = Qx * Qx + Qy * Qy + Qz * Qz + Qw * Qw;
                return Math.Abs(X) <= 10000f && Math.Abs(Y) <= 10000f && Math.Abs(Z) <= 10000f
                    && length >= 0.9f && length <= 1.1f;
            }
        }
    }

    /// <summary>A controller's buttons; what it does not have is 0.</summary>
    public struct Buttons
    {
        /// <summary>0 to 1.</summary>
        public float Trigger;

        /// <summary>0 to 1.</summary>
        public float Squeeze;

        /// <summary>-1 to 1.</summary>
        public float ThumbstickX;

        /// <summary>-1 to 1.</summary>
        public float ThumbstickY;

        public bool ThumbstickClick;

        /// <summary>A or X.</summary>
        public bool Primary;

        /// <summary>B or Y.</summary>
        public bool Secondary;

        public bool Menu;
    }

    /// <summary>
    /// One sample of tracking. It is made once, filled again for each frame (<see cref="Clear"/>, then what is tracked) and
    /// copied when it is sent. What is not tracked is left out.
    /// </summary>
    public sealed class TrackingFrame
    {
        internal const int PoseFloats = 7;
        internal const int ButtonFloats = 8;
        internal const int HandFloats = Protocol.Joints * PoseFloats;
        internal const int PartCount = 10;

        private static readonly int[] Floats = { 7, 7, 7, 7, 7, 7, 8, 8, HandFloats, HandFloats };
        private static readonly int[] Offsets = { 0, 7, 14, 21, 28, 35, 42, 50, 58, 58 + HandFloats };

        private readonly float[] _parts = new float[58 + 2 * HandFloats];
        private readonly float[] _packed = new float[58 + 2 * HandFloats];

        /// <summary>What is in it.</summary>
        public Parts Mask { get; private set; }

        /// <summary>Nothing is tracked.</summary>
        public void Clear()
        {
            Mask = Parts.None;
        }

        /// <summary>
        /// Sets a pose of head, gaze, aim or grip. One that no daemon would take (<see cref="WirePose.IsValid"/>) is left out,
        /// because runtimes give zeros for what they lost.
        /// </summary>
        /// <exception cref="ArgumentException">The part has no pose.</exception>
        public void SetPose(Parts part, WirePose pose)
        {
            var index = Index(part);
            if (index > 5)
            {
                throw new ArgumentException(part + " has no single pose", "part");
            }
            Put(part, Offsets[index], pose);
        }

        /// <summary>Sets the buttons of a controller.</summary>
        /// <exception cref="ArgumentException">The part has no buttons.</exception>
        public void SetButtons(Parts part, Buttons buttons)
        {
            var index = Index(part);
            if (part != Parts.LeftButtons && part != Parts.RightButtons)
            {
                throw new ArgumentException(part + " has no buttons", "part");
            }
            var at = Offsets[index];
            _parts[at] = Clamp(buttons.Trigger, 0f);
            _parts[at + 1] = Clamp(buttons.Squeeze, 0f);
            _parts[at + 2] = Clamp(buttons.ThumbstickX, -1f);
            _parts[at + 3] = Clamp(buttons.ThumbstickY, -1f);
            _parts[at + 4] = buttons.ThumbstickClick ? 1f : 0f;
            _parts[at + 5] = buttons.Primary ? 1f : 0f;
            _parts[at + 6] = buttons.Secondary ? 1f : 0f;
            _parts[at + 7] = buttons.Menu ? 1f : 0f;
            Mask |= part;
        }

        /// <summary>
        /// Sets the 26 joints of a hand, in OpenXR's order (palm, wrist, thumb and so on). If one of them is not valid the
        /// whole hand is left out.
        /// </summary>
        /// <exception cref="ArgumentException">The part is no hand, or there are not 26 joints.</exception>
        public void SetHand(Parts part, WirePose[] joints)
        {
            var index = Index(part);
            if (index < 8 || joints.Length != Protocol.Joints)
            {
                throw new ArgumentException("a hand is LeftHand or RightHand, and has 26 joints", "part");
            }
            Mask |= part;
            for (var i = 0; i < joints.Length && (Mask & part) != 0; i++)
            {
                Put(part, Offsets[index] + i * PoseFloats, joints[i]);
            }
        }

        /// <summary>The parts that are there, one after the other; how many floats they are.</summary>
        internal int Pack(out float[] packed)
        {
            var count = 0;
            for (var i = 0; i < PartCount; i++)
            {
                if (((int)Mask & (1 << i)) != 0)
                {
                    Array.Copy(_parts, Offsets[i], _packed, count, Floats[i]);
                    count += Floats[i];
                }
            }
            packed = _packed;
            return count;
        }

        private void Put(Parts part, int at, WirePose pose)
        {
            if (!pose.IsValid)
            {
                Mask &= ~part;
                return;
            }
            _parts[at] = pose.X;
            _parts[at + 1] = pose.Y;
            _parts[at + 2] = pose.Z;
            _parts[at + 3] = pose.Qx;
            _parts[at + 4] = pose.Qy;
            _parts[at + 5] = pose.Qz;
            _parts[at + 6] = pose.Qw;
            Mask |= part;
        }

        private static float Clamp(float value, float low)
        {
            // NaN compares false with everything and becomes 0.
            return value >= low ? Math.Min(value, 1f) : value < low ? low : 0f;
        }

        private static int Index(Parts part)
        {
            for (var i = 0; i < PartCount; i++)
            {
                if ((int)part == 1 << i)
                {
                    return i;
                }
            }
            throw new ArgumentException("one part at a time", "part");
        }
    }
}
