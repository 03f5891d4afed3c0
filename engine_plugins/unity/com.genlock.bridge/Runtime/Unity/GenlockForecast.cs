using UnityEngine;

namespace Genlock
{
    /// <summary>One of the devices that are forecast.</summary>
    public enum ForecastDevice
    {
        Head = Devices.Head,
        LeftHand = Devices.LeftHand,
        RightHand = Devices.RightHand,
    }

    /// <summary>Moves this object to where a device will be: a hand that is drawn where it is by the time that it is seen.</summary>
    [AddComponentMenu("Genlock/Genlock Forecast")]
    public sealed class GenlockForecast : GenlockBehaviour
    {
        [Tooltip("What is forecast. A hand's forecast is of its aim, else its grip, else its palm.")]
        [SerializeField] private ForecastDevice device = ForecastDevice.RightHand;

        [Tooltip("Which of the client's horizons: 0 is the first.")]
        [SerializeField] private int horizon;

        [Tooltip("How long the last forecast holds while none comes, seconds; then Fallback is followed.")]
        [SerializeField] private float staleAfter = 0.25f;

        [Tooltip("What is followed where there is no forecast, such as the tracked controller. Empty: it stays where it was.")]
        [SerializeField] private Transform fallback;

        private float _last = float.NegativeInfinity;

        /// <summary>What is forecast.</summary>
        public ForecastDevice Device
        {
            get { return device; }
            set { device = value; }
        }

        /// <summary>Which of the client's horizons.</summary>
        public int Horizon
        {
            get { return horizon; }
            set { horizon = value; }
        }

        /// <summary>What is followed where there is no forecast.</summary>
        public Transform Fallback
        {
            get { return fallback; }
            set { fallback = value; }
        }

        /// <summary>Whether a forecast came lately.</summary>
        public bool IsFresh
        {
            get { return Time.unscaledTime - _last <= staleAfter; }
        }

        internal override void Attach(GenlockClient of)
        {
            of.Answered += Take;
        }

        internal override void Detach(GenlockClient of)
        {
            of.Answered -= Take;
        }

        private void LateUpdate()
        {
            if (!IsFresh && fallback != null)
            {
                transform.SetPositionAndRotation(fallback.position, fallback.rotation);
            }
        }

        private void Take(Answer answer)
        {
            WirePose pose;
            if (!answer.TryGetForecast((Devices)device, horizon, out pose))
            {
                return;
            }
            Vector3 position;
            Quaternion rotation;
            Coordinates.FromWire(pose, out position, out rotation);
            var space = Client.TrackingSpace;
            if (space != null)
            {
                position = space.TransformPoint(position);
                rotation = space.rotation * rotation;
            }
            transform.SetPositionAndRotation(position, rotation);
            _last = Time.unscaledTime;
        }
    }
}
